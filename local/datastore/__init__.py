"""A server for Datastore's v1 API on one machine: SQLite, gRPC and REST.

Rooms, from the bottom up; each imports only those above it in this list:
- encoding: keys and values as bytes that sort as Datastore sorts, and what a request may hold
- storage: the file, versions, locks, open transactions, which indexes there are
- query/plan: from a query to the stretches of indexes that answer it
- query/run: the scan itself, results, aggregations, reads in the past and in transactions
- write: commits: mutations, masks, transforms
- gql: from GQL's text to a query
- api: the methods of the service, and the server that listens
"""
