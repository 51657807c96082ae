"""Requests of operators to a saga.

`control` cancels, pauses, resumes, parks and resolves; `repair` retries, skips and voids failed
steps; `idempotency` applies each request once. Imports forward and backward.
"""
