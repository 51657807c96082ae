"""Many runs of one saga, each with other faults, and a check of each.

explore has the two entry points: every fault at every point, and random faults. explorer runs and
shortens schedules of faults; equivalence and short_retries keep pairs of faults few. invariants
and retention have what must hold after each run; report says what was covered; alert_capture
counts the alerts that a run logs.

Imports point to simulation.
"""
