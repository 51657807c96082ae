"""What setup, builds and operators run against Google Cloud; nothing here is deployed.

`python -m deploy VERB` (__main__) is the entry point. settings has one deployment's settings, and
table checks main.py's table. cloud calls Google Cloud; stores, cloud_run, rollout, observability
and project each configure one part of the project. saga_check reads the database. alerts/ and
metrics/ contain JSON that observability sends.

Imports point down: project -> observability, rollout -> cloud_run -> stores -> cloud -> settings.
"""
