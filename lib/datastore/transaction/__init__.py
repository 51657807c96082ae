"""Runs functions in transactions, and runs them again on contention.

`transaction` is what such a function gets, `attempts` runs it with locks, `optimistic` without;
`receipts` settles commits whose answer was lost. Imports write and all below it.
"""
