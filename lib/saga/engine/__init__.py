"""The shell around the pure machine: it reads, runs, commits and enqueues.

engine       starts sagas, runs deliveries, applies requests and signals
children     how child sagas begin, end and go back
transitions  one transition: decide, commit, enqueue, again after a conflict
recorder  decides by the definitions and commits; fallback: what it records if that is refused
requests     operators' requests on their way to a saga and its children
repository   reads and writes the records; cloud_tasks: hands deliveries over
execution/   one bounded call of an author's code; sweep/: what Cloud Scheduler has looked after
retention    how long finished sagas are kept; alerts: the log lines that operators are called by

It imports the machine, state and definition; operators import it.
"""
