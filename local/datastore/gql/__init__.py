"""GQL: parses queries from text into the same messages that clients send.

The grammar is https://docs.cloud.google.com/datastore/docs/reference/gql_reference. Where that is
ambiguous, it follows both of Google's emulators.
"""

from local.datastore.gql.parser import parse_aggregation, parse_query

__all__ = ["parse_aggregation", "parse_query"]
