"""Queries: `plan` chooses the index scans of a query, and `run` runs them."""
