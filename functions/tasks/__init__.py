"""The functions for the sample's to-do lists: lists, tasks, batches of tasks, queries for tasks.

They import functions.edge and domain.todo, but not each other.
"""
