"""A stand-in for Cloud Tasks v2 on SQLite, which the stock client talks to over gRPC."""
