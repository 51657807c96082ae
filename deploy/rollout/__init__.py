"""One release: the image's name, staged revisions, a trial saga, then the traffic.

revisions stages, releases, promotes and rolls back; smoke runs the trial; canary checks which
versions may serve side by side; sweep_job makes the Cloud Scheduler job that a release needs.

Imports point to cloud_run, cloud, table and settings.
"""
