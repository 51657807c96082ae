"""Stand-ins for Google's services on one machine. Never deployed; nothing here imports lib/.

- datastore, tasks, scheduler: Cloud Datastore, Cloud Tasks, Cloud Scheduler
- stack: all of them and the functions, each in its own process
- rpc: gRPC and HTTP servers; http: the client that delivers tasks
- host: ports, data folders and the clock of this machine
"""
