"""The faults of a run: their kinds, and the words for them in a report. Imports nothing else."""
