"""Runs the code of authors, which may raise anything and may return work that has not run.

containment limits the effect of an exception to its own call. deferred_work finds coroutines,
generators and the like, in a declaration and in the result of a call; wrappers finds what
functools.wraps hides. recursion_guard ends an endless recursion that the interpreter does not
notice.

It imports nothing of lib/saga; every other package may import it.
"""
