"""The local Cloud Tasks and Cloud Scheduler over a socket: by client, by REST, by plain HTTP."""
