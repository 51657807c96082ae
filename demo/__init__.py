"""What `make demo` runs: real purchases, a caller of the functions, and the books to balance.

The demo calls the functions over HTTP and reads the participants' records through the data layer.
Tests and benchmarks may import it; deployed code does not.
"""
