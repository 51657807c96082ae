"""Requests to functions: a client that keeps connections, and when to try again."""
