"""What a project needs once: setup, its roles, and teardown.

Imports point to every other folder, because teardown removes what they have created.
"""
