"""Writing: what is to be written, one commit, and many writes in chunks.

Imports read (what a mask or a transform wrote is read back), mapping, rpc, v1, keys.
"""
