"""Readers of the project's YAML files, for both local/ and deploy/: one reader, one schema."""
