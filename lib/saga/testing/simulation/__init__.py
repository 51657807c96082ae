"""One run of a saga from its start until nothing is left to do, with faults at chosen points.

simulation says which event comes next; events has what each does, strikes how a fault strikes.
environment holds the engine over services, which come to a fault point before and after each call.
processes runs one thing at a time; state is what a run has done, to go on from again. faults lists
the kinds of faults, setting what runs.

Imports point down: simulation -> events -> environment -> services -> processes -> state -> faults.
Nothing here decides which faults to try.
"""
