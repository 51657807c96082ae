"""Commits: applies mutations, masks and transforms atomically."""
