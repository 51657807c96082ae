"""A decision: how it is built, and what the engine gets.

`draft` holds copies of the records and writes an event for every change; `texts` makes texts
storable; `weight` measures how much of one commit a record takes. Imports neither forward nor
backward.
"""
