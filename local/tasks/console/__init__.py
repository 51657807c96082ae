"""The web page: queues, waiting tasks and attempts, with buttons."""
