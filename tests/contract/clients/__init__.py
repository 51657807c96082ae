"""The local Datastore as real clients see it: stock, NDB, REST and Node."""
