"""What tests of several tiers share: no test is in here."""
