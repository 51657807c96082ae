"""Calls to Google's services: raw messages, and one channel a process.

messages     protobuf classes, without the clients of the libraries that declare them
connection   the channel: opened by the first call, again in a forked process
status       what a failed call says

It imports lib.errors alone; the data layer and the saga engine import it.
"""
