"""Runs plans: scans, pages of results, aggregations, reads in the past and in transactions."""
