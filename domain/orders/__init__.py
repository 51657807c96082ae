"""A sample: orders, the saga that processes one, and the four participants of its steps."""
