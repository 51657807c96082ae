"""Readers of the project's YAML files, for local/ and deploy/: one reader, one schema."""
