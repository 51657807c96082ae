"""The code of authors, which may raise anything and may return work that has not run.

containment keeps what it raises from ending more than its own call. deferred_work finds coroutines,
generators and the like, in a declaration and in what a call returns. recursion_guard ends an
endless recursion where the interpreter overlooks it.

It imports nothing of lib/saga; every other room may import it.
"""
