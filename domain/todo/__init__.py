"""A sample: task lists and their tasks, one module for what is done to each."""
