"""What a model class says of itself: its marks, and its fields, key and properties read from them.

Imports v1.
"""
