"""The state: the file, past versions, locks, open transactions, and the catalog of indexes."""
