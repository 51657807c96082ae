"""Readers of the project's YAML files, for local/ and for deploy/ alike: one reader, one schema."""
