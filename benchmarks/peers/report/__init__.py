"""What is made of the results: a table, a picture, and their places in the documents.

Imports no other room.
"""
