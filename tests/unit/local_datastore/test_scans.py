import sqlite3
from collections.abc import Iterable, Iterator

import pytest

from local.datastore.query.plan.intervals import EVERYTHING, START
from local.datastore.query.run.scans import MergeJoin, RangeScan, Source, walk
from local.rpc.handover import set_successor


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:")
    opened.execute("CREATE TABLE entries (entry BLOB PRIMARY KEY, path_length, multiple)")
    yield opened
    opened.close()


def scan(connection: sqlite3.Connection, index: bytes, numbers: Iterable[int]) -> RangeScan:
    """Return a scan of an index with entries of these numbers."""
    rows = [(index + number.to_bytes(4, "big"), 4, 0) for number in numbers]
    connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
    return RangeScan(connection, Source("entries", index, False, False), EVERYTHING)


def count_hand_overs(scan: RangeScan | MergeJoin) -> tuple[int, int]:
    """Return a scan's number of hits, and how often its connection was released meanwhile."""
    handed: list[bool] = []
    set_successor(lambda: handed.append(True))
    try:
        hits = list(walk(scan, START))
    finally:
        set_successor(None)
    return len(hits), len(handed)


def test_a_short_scan_keeps_its_connection(connection: sqlite3.Connection) -> None:
    assert count_hand_overs(scan(connection, b"a", range(50))) == (50, 0)


def test_a_long_scan_lets_others_read_its_connection(connection: sqlite3.Connection) -> None:
    assert count_hand_overs(scan(connection, b"a", range(1000))) == (1000, 1)


def test_a_long_zigzag_join_lets_others_read_its_connection(connection: sqlite3.Connection) -> None:
    # Each skips hundreds of the other's entries again and again, and the last one matches.
    turns = [range(start, start + 300) for start in range(0, 30_000, 300)]
    first = scan(connection, b"a", [n for turn in turns[::2] for n in turn] + [99_999])
    second = scan(connection, b"b", [n for turn in turns[1::2] for n in turn] + [99_999])
    assert count_hand_overs(MergeJoin([first, second])) == (1, 1)
    assert first.scanned + second.scanned < 5_000
