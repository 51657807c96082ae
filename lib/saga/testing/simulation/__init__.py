"""One run of a saga from its start until nothing is left to do, with faults at chosen points.

setting says what runs, deployment what is deployed meanwhile. simulation orders the events of a
run; environment holds the engine over the services in memory, stored_sagas what it has stored, and
snapshot its state between two events. process and worker are what runs; faulty_services,
faulty_network and faulty_actions come to a fault point before and after each call. faults lists
the kinds of faults. actors send signals and operators' requests; history records the actions.

Imports point to memory and to the engine; nothing here decides which faults to try.
"""
