"""GQL: a query as text, read into the same messages that a client would send.

The grammar is that of https://docs.cloud.google.com/datastore/docs/reference/gql_reference, and
what both of Google's emulators make of it where it leaves room.
"""

from local.datastore.gql.parser import parse_aggregation, parse_query

__all__ = ["parse_aggregation", "parse_query"]
