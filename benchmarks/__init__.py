"""Benchmarks; run each module with `python -m` or a target of the Makefile."""
