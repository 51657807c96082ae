"""Reads model classes: the marks, and from them the fields, the key and the properties.

Imports v1.
"""
