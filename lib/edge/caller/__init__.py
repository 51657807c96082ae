"""The caller: where a request carries a token, who it says calls, and whether he may.

access uses credentials and, when the first token must be verified, identity.
"""
