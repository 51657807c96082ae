"""This machine's shared resources: ports, data folders, and a clock that may be set."""
