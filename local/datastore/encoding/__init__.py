"""Keys and values as bytes that sort as Datastore sorts them, and what a request may hold."""
