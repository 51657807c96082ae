"""The service: commits and lookups, its queries, and the server of both over gRPC and REST."""
