"""What `make demo` runs: real purchases, a caller of the functions, and the books to balance.

It stands beside the system: it calls functions over HTTP and reads the books of `domain/` through
the data layer. Tests and benchmarks may use its parts; nothing that is deployed imports it.
"""
