"""What is wrong with a saga whose elements are right by themselves, one sentence a fault.

`whole` asks `outputs` (do earlier steps have the outputs that functions look for?) and `sizes`
(does all fit into one record?). The checks of single values are in lib.saga.definition.checks.
"""
