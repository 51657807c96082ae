"""Plans the index scans of a query. It reads no data."""
