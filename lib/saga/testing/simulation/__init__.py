"""One run of a saga from its start until nothing is left to do, with faults at chosen points.

simulation chooses the next event; events carries it out, and injects faults. environment holds the
engine and its services, which have a fault point before and after each call. processes runs one
process at a time; state is the state of a run, which can be saved and restored. faults lists the
kinds of faults; setting describes what runs.

Imports point down: simulation -> events -> environment -> services -> processes -> state -> faults.
Nothing here decides which faults to try.
"""
