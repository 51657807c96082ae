"""What this machine has one of: ports, data folders, a clock that may be set."""
