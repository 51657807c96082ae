"""What builds, set-up and operators run against Google Cloud; nothing here is deployed.

`python -m deploy VERB` (__main__) is the entry. settings has the settings of one deployment, table
checks main.py's table for it. cloud talks to the project; stores, cloud_run, rollout, observability
and project each configure one part of it. saga_check reads the database. alerts/ and metrics/ hold
JSON that observability sends.

Imports point down: project -> observability, rollout -> cloud_run -> stores -> cloud -> settings.
"""
