"""The request: turns its body, query and headers into a plain function's arguments.

- parameters: all arguments of a function; uses `body` to read the body
- pages: the parameters of functions that return pages
- preferences, peer: the Prefer header, and whether the caller is still connected
"""
