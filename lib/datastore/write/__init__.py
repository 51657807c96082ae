"""Writing: mutations, one commit, and many writes in chunks.

Imports read (to read back what a mask or a transform wrote), mapping, rpc, v1, keys.
"""
