"""What operators see of sagas and do to them.

operator        who makes a request of a saga; bulk: the same of many sagas
view            sagas as plain answers; dashboard: the numbers of all of them
compatibility   would this deployment strand an unfinished saga?

It imports the engine; functions/ and the command line import it.
"""
