"""What is measured of every engine, and how; each engine's interpreter imports it.

job         four steps, three of them with compensations: the same functions for all
peer        what a script says of its engine; script: its measurements, one after the other
loads       the job in sequence and many at once; crash: kill -9 of the worker
processes   starting and killing, memory, fsyncs; servers: those of one engine
settings    seconds, runs, jobs in flight

Standard library only. Imports no other room.
"""
