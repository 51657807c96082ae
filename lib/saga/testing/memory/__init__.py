"""Stand-ins in memory for Datastore, Cloud Tasks, the clock and HTTP services.

entities holds the stored data; store and transaction read and write it as lib.datastore does, and
selection answers their queries. queue keeps tasks as Cloud Tasks does, clock has virtual time, and
http_stand_in answers HTTP requests by routes.

It imports lib.datastore and lib.saga, but not simulation: nothing here injects faults.
"""
