"""The state of a run: what is deployed and stored, what was done, and what is still to come.

run_state is what is saved and restored with the services in memory (snapshot). history has the
calls of actions, stored_sagas reads the records, deployment says which definitions there are.

Imports point to faults and memory.
"""
