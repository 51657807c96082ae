"""A server for Datastore's v1 API on one machine: SQLite, gRPC and REST.

Folders, from the bottom up; each imports only those above it in this list:
- encoding: keys and values as bytes that sort as in Datastore, and validation of requests
- storage: the file, versions, locks, open transactions, and the catalog of indexes
- query/plan: plans the index scans that serve a query
- query/run: scans, results, aggregations, reads in the past and in transactions
- write: commits: mutations, masks, transforms
- gql: parses GQL into queries
- api: the methods of the service, and the server
"""
