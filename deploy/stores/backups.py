"""What a database can be brought back from: point-in-time recovery, and a backup every day."""

from typing import Any

from deploy.cloud.client import Cloud
from deploy.settings import Settings

#: What setting up asks of a new database; deleting it needs the protection taken off first.
PROTECTION = ("--enable-pitr", "--delete-protection")

DAY = 24 * 60 * 60


def is_protected(database: Any) -> bool:
    """Tell whether a database can be read as it was in the last seven days, and not be deleted."""
    return bool(
        database.get("pointInTimeRecoveryEnablement") == "POINT_IN_TIME_RECOVERY_ENABLED"
        and database.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED"
    )


def schedule_backups(cloud: Cloud, settings: Settings) -> list[list[str]]:
    """Return the commands that have a backup made every day, and kept for so many days.

    None where that is so already, or where BACKUP_DAYS is 0; a schedule is never deleted.
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
