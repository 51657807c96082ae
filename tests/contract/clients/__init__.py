"""The local Datastore with real clients: Google's own, NDB, REST and Node."""
