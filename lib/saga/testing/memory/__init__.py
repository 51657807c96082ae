"""Stand-ins in memory for what a saga stands on: Datastore, Cloud Tasks, a clock and services.

entities holds what is stored; store and transaction read and write it as lib.datastore does, and
selection answers their queries. queue keeps tasks as Cloud Tasks does, clock has virtual time, and
http_stand_in answers HTTP requests by routes.

Imports point to lib.datastore and lib.saga, never to simulation: nothing here knows of faults.
"""
