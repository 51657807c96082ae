"""One run of a saga from its start until nothing is left to do, with faults at chosen points.

setting says what runs; simulation orders the events of a run; environment holds the engine over
the services in memory. process and worker are what runs; faulty_services and faulty_network come
to a fault point before and after each call. faults lists the kinds of faults. actors send signals
and operators' requests; history records what the saga's actions did.

Imports point to memory and to the engine; nothing here decides which faults to try.
"""
