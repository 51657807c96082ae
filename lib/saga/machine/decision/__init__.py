"""A decision: how it is built, and its form for the engine.

`draft` holds copies of the records and writes an event for every change; `texts` makes texts
storable. Imports neither forward nor backward.
"""
