"""Remote steps over a socket: what a service gets, and what each of its answers means."""
