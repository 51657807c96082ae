"""The shell around the pure machine: it reads, runs, commits and enqueues.

engine       starts sagas, runs deliveries, applies requests and signals
children     how child sagas begin, end and roll back
transitions  one transition: decide, commit, enqueue; repeated after a conflict
recorder     decides and commits; fallback: what it records when a commit is refused
requests     prepares operators' requests to a saga
repository   reads and writes the records; cloud_tasks: enqueues deliveries
execution/   one time-limited call of an author's code; sweep/: what Cloud Scheduler runs
retention    how long finished sagas are kept; alerts: the log lines that alerts are based on

It imports the machine, state and definition; operators/ imports it.
"""
