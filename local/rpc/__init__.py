"""A fast gRPC server for unary methods, in plain Python. Imports only local/host.

grpcio's server takes half a millisecond of CPU for an empty request, mostly to pass the request
from thread to thread. This server handles a request in the thread that reads it, and takes a tenth
of that. It also answers HTTP/1.1 on the same port, as Google's emulators do.
"""
