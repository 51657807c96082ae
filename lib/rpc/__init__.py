"""Calls to Google's services: raw messages, and one channel per process.

messages     protobuf classes, without the clients of the libraries that declare them
connection   the channel, opened by the first call of each process
status       the status and details of a failed call

It imports only lib.errors; the data layer and the saga engine import it.
"""
