"""Queries: `plan` finds out what answers one, `run` reads it."""
