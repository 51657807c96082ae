"""Runs a saga many times, each time with other faults, and checks each run.

explore has the two entry points: every fault at every point, and random faults. explorer runs and
shortens schedules of faults; equivalence and short_retries limit the number of pairs of faults.
invariants and retention check each run; report shows what was covered; alert_capture counts the
alerts that a run logs.

It imports simulation.
"""
