"""The caller: finds the token in a request, identifies the caller and checks permission.

`access` uses `credentials` and, when the first token needs verifying, `identity`.
"""
