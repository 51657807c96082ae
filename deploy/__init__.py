"""What builds, set-up and operators run against Google Cloud; nothing here is deployed.

`python -m deploy VERB` (__main__) is the way in. settings says what one deployment is given, table
what main.py's table means for it. cloud talks to the project; stores, cloud_run, rollout,
observability and project each bring one part of it to the stated condition. saga_check asks the
database. alerts/ and metrics/ hold JSON that observability sends.

Imports point down: project -> observability, rollout -> cloud_run -> stores -> cloud -> settings.
"""
