"""What runs: processes, one at work at a time, and the fault points that they come to.

processes runs them and asks at each point which fault strikes; worker lets a second one run
between two points; relevant_faults lists the faults that matter at a point.

Imports point to state, faults and setting.
"""
