"""The page that a person opens: queues, what waits in them, attempts; buttons that act."""
