"""One job on Amends and on its peers, on this machine, in one run: `make bench`.

rows        the rows of the table, and how a row's script is run
engines     a script each: amends, celery, dbos, restate; floor is no engine
load        the job and what is measured of it, the same for all
install     peers from PyPI, npm and Debian, into a folder that git ignores
report      table, picture, and their places in README.md and docs/

A script runs on an interpreter of its own, with nothing of Amends' environment but `engines` and
`load`: engines import load; rows imports install; the other rooms import nothing here. Nothing of
it is imported by what is deployed.
"""
