from datetime import UTC, datetime, timedelta

import pytest

from local.scheduler.cron import BrokenSchedule, parse_schedule
from local.scheduler.ticker import find_next

NOON = datetime(2026, 2, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "2026-02-27 12:01"),
        ("*/15 * * * *", "2026-02-27 12:15"),
        ("0 9 * * *", "2026-02-28 09:00"),
        ("0 9-17/4 * * *", "2026-02-27 13:00"),
        ("30 2 1 * *", "2026-03-01 02:30"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("0 0 * * mon", "2026-03-02 00:00"),
        ("0 0 * * 7", "2026-03-01 00:00"),
        ("0 0 15 * sun", "2026-03-01 00:00"),
        ("0 0 1,28 jan,FEB *", "2026-02-28 00:00"),
        ("5/20 12 * * *", "2026-02-27 12:05"),
    ],
)
def test_cron_says_when_the_job_runs_next(text: str, expected: str) -> None:
    assert parse_schedule(text)(NOON).strftime("%Y-%m-%d %H:%M") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("a * * * *", "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *"),
        *("every 0 seconds", "every day"),
    ],
)
def test_a_broken_schedule_is_refused(text: str) -> None:
    with pytest.raises(BrokenSchedule, match=r"expected|range ends before|must not be zero"):
        parse_schedule(text)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(BrokenSchedule, match="never"):
        parse_schedule("0 0 31 2 *")(NOON)


def test_a_period_counts_from_the_previous_run() -> None:
    assert parse_schedule("every 10 seconds")(NOON) == NOON + timedelta(seconds=10)
    assert parse_schedule("every 2 hours")(NOON) == NOON + timedelta(hours=2)


def test_a_run_missed_during_another_is_made_up_once() -> None:
    schedule = parse_schedule("every 10 seconds")
    after = find_next(schedule, NOON, NOON + timedelta(seconds=35))
    assert after == NOON + timedelta(seconds=30)
    assert find_next(schedule, after, NOON + timedelta(seconds=36)) == NOON + timedelta(seconds=40)
