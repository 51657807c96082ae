"""A gRPC server of unary methods in plain Python, because a request must not cost more than itself.

The stock Python server takes half a millisecond of CPU for a request that does nothing, most of it
in handing the request from thread to thread; this one handles a request in the thread that read it
and needs a tenth of that. It also answers HTTP/1.1 on the same port, as Google's emulators do.
"""
