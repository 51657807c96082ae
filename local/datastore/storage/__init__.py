"""What is kept: the file, past versions, locks, open transactions, and which indexes there are."""
