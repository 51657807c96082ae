"""A sample: task lists and their tasks, with a module for the operations on each."""
