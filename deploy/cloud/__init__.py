"""How deploy talks to Google Cloud.

client is the interface and its dry run, gcloud the real one (the command line, and REST with its
token), retry the waits and repetitions. It imports nothing else of deploy.
"""
