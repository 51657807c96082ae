"""One release: the image's name, staged revisions, a smoke test, then the traffic.

revisions stages, releases, promotes and rolls back. smoke runs the smoke test. canary checks which
versions may serve at the same time. sweep_job creates the Cloud Scheduler job of the sweep.

Imports point to cloud_run, cloud, table and settings.
"""
