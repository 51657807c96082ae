"""One job on Amends and on its peers, on this machine, in one run: `make bench`.

job         four steps, three of them with compensations: the same functions for all
peer        what a peer's script fills in; the scripts: amends, celery, dbos, restate; floor
load        the job in sequence and many at once; crash: kill -9 of the worker
processes   starting and killing, memory, fsyncs
install     peers from PyPI, npm and Debian, into a folder that git ignores
table       results beside each other, with ratios; chart draws them

A peer's script runs on an interpreter of its own, with nothing of Amends' environment but these
files. Nothing here is imported by what is deployed.
"""
