"""The response: turns a function's result, or its error, into an answer.

- reply: results, with status and headers
- problems, server_errors: errors as problem details, of functions and of the server below them
- links: the address of another function, for a Location header
"""
