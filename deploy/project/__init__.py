"""What a project needs once: set-up, the roles that it grants, and teardown of all that is ours.

Imports point to every other room, as teardown removes what they have made.
"""
