"""From a query to the stretches of indexes that answer it. Nothing is read here."""
