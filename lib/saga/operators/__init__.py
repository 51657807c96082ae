"""What operators see of sagas, and what they can do to them.

operator        one operator's request to a saga; bulk: a request to many sagas
view            sagas as plain answers; dashboard: the numbers of all of them
price           what a saga has cost, by the list prices of prices.json
compatibility   finds unfinished sagas that this deployment cannot continue

It imports the engine; functions/ and the command line import it.
"""
