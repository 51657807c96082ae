"""Code shared by tests of several tiers; it has no tests."""
