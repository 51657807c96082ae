"""A stand-in for Cloud Scheduler: calls URLs on a schedule, with OIDC tokens."""
