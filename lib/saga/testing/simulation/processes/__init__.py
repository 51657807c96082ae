"""The processes of a run, one at a time, and the fault points that they reach.

processes runs them and chooses the fault at each point; worker runs a second one between two
points; relevant_faults lists the faults that matter at a point.

It imports state, faults and setting.
"""
