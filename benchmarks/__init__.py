"""Measures costs: run each module by hand, or by a target of the Makefile."""
