"""What an operator asks of a saga.

`control` cancels, pauses, resumes, parks and resolves; `repair` retries, skips and voids what has
failed; `idempotency` carries each request out once. Imports forward and backward.
"""
