"""Keys and values as bytes that sort as in Datastore, and validation of requests."""
