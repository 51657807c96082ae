"""The request: from its body, query and headers to a plain function's arguments.

- parameters: all arguments of a function; reads the body by `body`
- pages: the parameters of functions that answer in pages
- preferences, peer: the Prefer header, and whether the caller is still there
"""
