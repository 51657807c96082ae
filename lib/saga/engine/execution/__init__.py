"""One bounded call of an author's code: what it is handed, and what its end means.

calling says what to call and with what, attempt calls it in a thread, verdict reads what it
raised, overruns counts the calls that go on after their time-out, attempt_log writes the line of
a failure. The engine imports it.
"""
