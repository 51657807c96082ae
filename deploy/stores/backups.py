"""What makes a database restorable: point-in-time recovery and daily backups."""

from typing import Any

from deploy.cloud.client import Cloud
from deploy.settings import Settings

#: The flags for a new database; deleting it requires removing the protection first.
PROTECTION = ("--enable-pitr", "--delete-protection")

DAY = 24 * 60 * 60


def is_protected(database: Any) -> bool:
    """Tell whether a database has point-in-time recovery and protection from deletion."""
    return bool(
        database.get("pointInTimeRecoveryEnablement") == "POINT_IN_TIME_RECOVERY_ENABLED"
        and database.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED"
    )


def schedule_backups(cloud: Cloud, settings: Settings) -> list[list[str]]:
    """Return the commands that schedule daily backups, kept for BACKUP_DAYS.

    Returns none if the schedule exists or BACKUP_DAYS is 0. Never deletes a schedule.
    """
    if settings.backup_days == "0":
        return []
    group = ["firestore", "backups", "schedules"]
    database, kept = f"--database={settings.database}", f"--retention={settings.backup_days}d"
    listed = cloud.read(*group, "list", database) or []
    daily = [each for each in listed if "dailyRecurrence" in each]
    if not daily:
        return [[*group, "create", database, "--recurrence=daily", kept]]
    if float(daily[0]["retention"].rstrip("s")) == int(settings.backup_days) * DAY:
        return []
    name = daily[0]["name"].rpartition("/")[2]
    return [[*group, "update", database, f"--backup-schedule={name}", kept]]
