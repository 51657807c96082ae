"""The service: commits, lookups and queries, and their server over gRPC and REST."""
