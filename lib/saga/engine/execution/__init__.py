"""One time-limited call of an author's code: its arguments, and what its result means.

call          which function a delivery calls, and with which arguments
execution     calls it in a thread, within its time limit
known_inputs  the inputs that follow from a delivery without a call
verdict       what the exception that it raised means
threads       where calls run
overruns      calls that continue after their timeout; attempt_log: the log line of a failure

It imports the machine, state, definition and the barrier; the engine imports it.
"""
