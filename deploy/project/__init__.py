"""What a project needs once: set-up, its roles, and teardown of everything of ours.

Imports point to every other room, because teardown removes what they have made.
"""
