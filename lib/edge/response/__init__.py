"""The response: a function's result, or its error, as an answer.

- reply: results, with status and headers
- problems, server_errors: errors as problem details, ours and those of the server below
- links: the address of another function, for a Location header
"""
