"""The state of a run: what is deployed and stored, what has happened, and what is postponed.

run_state is saved and restored with the services in memory (snapshot). history has the calls of
actions, stored_sagas reads the records, deployment has the deployed definitions.

It imports faults and memory.
"""
