"""The engines, a script each: `python -m benchmarks.peers.engines.NAME FILE` measures one.

amends (with amends_sagas and app, its table of functions), celery, dbos, restate; floor: no engine.
Each script runs on an interpreter of its own. Imports `load`; amends also `local` and `lib`.
"""
