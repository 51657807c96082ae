"""A sample: orders, the saga that processes an order, and the participants of its four steps."""
