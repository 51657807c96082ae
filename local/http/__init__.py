"""Requests to functions: a client that reuses connections, and the rules for retries."""
