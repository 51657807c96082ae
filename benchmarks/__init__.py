"""What things cost, measured: each module is run by hand, or by a target of the Makefile."""
