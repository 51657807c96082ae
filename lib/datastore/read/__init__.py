"""Reading: lookups by key, queries, pages, aggregations, and what a query costs.

`conditions` and `queries` describe a query, `query_message` writes it as a v1 message, `results`
reads the answer. Imports mapping, rpc, v1, keys.
"""
