"""Remote steps over a socket: what is sent to a service, and what each of its answers means."""
