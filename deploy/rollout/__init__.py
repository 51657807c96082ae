"""One release: the image's name, revisions beside the old ones, a trial saga, then the traffic.

revisions stages, releases, promotes and rolls back; smoke runs the trial; canary says which
versions may serve side by side; sweep_job makes the Cloud Scheduler job that a release needs.

Imports point to cloud_run, cloud, table and settings.
"""
