"""A stand-in for Cloud Scheduler: calls a URL by the clock, with an OIDC token."""
