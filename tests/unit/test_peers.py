"""`make bench`: what is computed from the measurements, and the counts of the crash test."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from benchmarks.peers.install import packages
from benchmarks.peers.install.packages import NotInstalled
from benchmarks.peers.load import crash
from benchmarks.peers.load.loads import percentile, run_at_once
from benchmarks.peers.load.peer import Peer
from benchmarks.peers.load.script import measure_loads
from benchmarks.peers.report.chart import draw
from benchmarks.peers.report.publication import publish, replace_between_marks
from benchmarks.peers.report.table import make_table
from benchmarks.peers.rows import PROJECT


def result(name: str, p50: float, per_second: float, **more: Any) -> dict[str, Any]:
    loads = {"sequence_a": {"p50_ms": p50}, "at_once_a": {"per_second": per_second}}
    return {"name": name, **loads, **more}


CRASH = {"accepted": 200, "finished": 200, "last_after_s": 1.5}
RESULTS = [
    result("Amends, chained", 10.0, 100.0, memory_mib=200.4, fsyncs=0.0, crash=CRASH),
    result("Restate", 12.5, 250.0, crash=CRASH | {"finished": 180}),
    {"name": "SQLite, no engine", "sequence_a": {"p50_ms": 1.0}, "fsyncs": None},
]


def test_each_number_of_a_peer_has_its_ratio_to_ours() -> None:
    rows = make_table(RESULTS, 32, 200).splitlines()
    assert "32 in flight" in rows[0]
    assert rows[2] == "| Amends, chained | 10.0 | – | 100 | – | 200 | 0.0 | 1.5 s |"
    assert rows[3].startswith("| Restate | 12.5 (1.25) | – | 250 (2.50) |")
    assert rows[3].endswith("| 180 of 200 finished |")
    assert rows[4] == "| SQLite, no engine | 1.0 (0.10) | – | – | – | – | – | – |"


def test_the_picture_is_svg_with_a_bar_for_each_number() -> None:
    picture = ElementTree.fromstring(draw([*RESULTS, result("<&>", 3.0, 4.0)], 32))
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 4 + 3


def test_a_run_replaces_the_table_and_the_picture_of_the_last_one(tmp_path: Path) -> None:
    page, image = tmp_path / "page.md", tmp_path / "peers.svg"
    page.write_text("# A\n\n<!-- make bench -->\nold\n<!-- end of make bench -->\n\nB\n")
    for table in ("| one |", "| two |"):
        publish(table, f"<svg>{table}</svg>", image, {page: "peers.svg"})
    shown = "| two |\n\n![Times and rates of the engines](peers.svg)"
    assert page.read_text() == (
        f"# A\n\n<!-- make bench -->\n{shown}\n<!-- end of make bench -->\n\nB\n"
    )
    assert image.read_text() == "<svg>| two |</svg>"


def test_a_document_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="end of make bench --> is not in the document"):
        replace_between_marks("# A\n<!-- make bench -->\n", "new")


@pytest.mark.parametrize("document", ["README.md", "docs/compare.md"])
def test_the_documents_have_a_place_for_the_table(document: str) -> None:
    text = (PROJECT / document).read_text()
    assert "| Amends, chained |" in replace_between_marks(text, "| Amends, chained |")


def test_an_engine_that_fails_at_its_start_is_ended() -> None:
    calls: list[str] = []

    class Broken:
        name = "Broken"

        def start(self) -> None:
            calls.append("start")

        def start_worker(self, env: Mapping[str, str]) -> None:
            raise RuntimeError("no worker")

        def stop(self) -> None:
            calls.append("stop")

    with pytest.raises(RuntimeError, match="no worker"):
        measure_loads(cast(Peer, Broken()))
    assert calls == ["start", "stop"]


def test_a_load_raises_what_a_job_raises() -> None:
    def fail() -> None:
        raise RuntimeError("wrong end")

    with pytest.raises(RuntimeError, match="wrong end"):
        run_at_once(fail, 1.0, 4)


def test_a_percentile_is_a_time_that_was_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([1.0], 99) == 1.0


def test_a_failed_installation_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError("no such program: npm")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(NotInstalled, match="npm: no such program"):
        packages.install_restate(tmp_path)


def test_a_crash_counts_steps_that_ran_again_and_jobs_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash, "_LEAD", 0.0)
    pause, steps, ids = tmp_path / "pause", tmp_path / "steps", list[str]()

    def write(*lines: str) -> None:
        with steps.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    class Worker:
        def submit(self, order_id: str) -> None:
            ids.append(order_id)
            write(f"{order_id} pay 1.0", "of-another notify 1.0")

        def kill_worker(self) -> None:
            write(f"{ids[0]} notify 2.0")

        def revive_worker(self, env: Mapping[str, str]) -> None:
            write(f"{ids[1]} pay 9e9", f"{ids[1]} notify 9e9")

    counted = crash.measure_crash(Worker(), 2, pause, steps, {})
    assert (counted.accepted, counted.finished, counted.unfinished_at_kill) == (2, 2, 1)
    assert counted.steps_run_again == 1
    assert counted.last_after_s is not None
