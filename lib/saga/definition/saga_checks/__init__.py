"""Checks a saga whose elements passed their own checks; describes each fault in one sentence.

`whole` calls `outputs` (do earlier steps have the outputs that functions read?) and `sizes` (does
everything fit into one record?). The checks of single values are in lib.saga.definition.checks.
"""
