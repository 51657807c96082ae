"""How deploy calls Google Cloud.

client has the interface and its dry run, gcloud the real client (the command line, and REST with
its token), retry the waits and retries. It imports nothing else of deploy.
"""
