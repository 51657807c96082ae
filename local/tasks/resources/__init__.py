"""What makes a queue or a task acceptable, and what an accepted one is completed with."""
