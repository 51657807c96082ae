"""Functions that run in a transaction, again and whole when others were faster.

`transaction` is what such a function is handed, `attempts` runs it with locks, `optimistic`
without, `receipts` finds out about commits whose answer was lost. Imports write and all below it.
"""
