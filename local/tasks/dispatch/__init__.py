"""Dispatches pending tasks: sends their requests, and retries or finishes them by the response."""
