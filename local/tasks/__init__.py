"""A stand-in for Cloud Tasks v2 on SQLite, which the stock client talks to over gRPC.

It does what the service documents for queues and tasks; one app on this machine stands in for all
of App Engine. It refuses what only Google's can do: OAuth tokens, TLS, and URLs that leave this
machine. Two things it leaves to Google's: it does not follow redirects, which the service may do,
and it slows a queue down for 429 and 503 answers alone, not for many errors of other kinds or at a
sudden rush of tasks.
"""
