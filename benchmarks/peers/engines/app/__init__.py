"""The main.py of the stack that is measured."""
