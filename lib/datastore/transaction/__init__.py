"""Runs functions in transactions, and runs them again on contention.

`transaction` is the argument of such a function; `attempts` runs it with locks, `optimistic`
without; `receipts` finds out how a commit ended if its answer was lost. Imports write and what is
below it.
"""
