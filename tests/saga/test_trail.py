"""The audit trail in pages: complete, newest first, each page one limited read."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from lib.datastore import collect
from lib.errors import Malformed, NotFound
from lib.saga.definition.context import Permanent, Retry
from lib.saga.definition.saga import Saga
from lib.saga.definition.types.secret import Secret
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.saga.operators.trail import page_of_events
from lib.saga.state.layout import pack
from lib.saga.state.limits import MAX_PAGE_EVENTS
from lib.saga.state.records import EventPage, EventRecord
from tests.saga.bench import Bench, Probe, make_step, start


def pages_of(bench: Bench, between: Callable[[], object] = bool) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages that get-saga and list-saga-events return, and act between them."""
    bench.rpc.calls.clear()
    bench.rpc.entities.clear()
    shown = bench.show()
    yield shown["events"]
    token = shown["next_page_token"]
    while token:
        between()
        bench.rpc.calls.clear()
        bench.rpc.entities.clear()
        page = page_of_events(bench.engine, "s", token)
        yield page["items"]
        assert page["has_more"] is (page["next_page_token"] is not None)
        token = page["next_page_token"]


def ids_of(pages: list[list[dict[str, Any]]]) -> list[int]:
    return [event["id"] for page in pages for event in page]


def go_on(bench: Bench, times: int) -> None:
    """Pause and resume a saga: each is an event."""
    for number in range(times):
        bench.engine.apply("s", PauseRequested(actor="ops", reason=f"pause {number}"))
        bench.engine.apply("s", ResumeRequested(actor="ops", reason=f"resume {number}"))


def lengthen(bench: Bench, events: int) -> None:
    """Add this number of events to a saga, as that many commits would."""
    saga, _ = bench.load("s")
    version, pages = saga.version, list[EventPage]()
    for _ in range(events):
        saga.sequence += 1
        event = EventRecord(
            id=saga.sequence, at=bench.time, step="a", from_status="PENDING", to_status="PENDING",
            attempt=1, cause="retry_scheduled", error="the warehouse answered 503",
        )  # fmt: skip
        packed = pack(saga, [event])
        saga, pages = packed.saga, [*pages, *packed.pages]
    collect(bench.store.insert_multi(pages))
    bench.store.update(saga, if_version=version)


def test_get_saga_shows_the_newest_events_first_and_a_token_for_the_others(bench: Bench) -> None:
    start(bench)
    bench.run_to_end()
    assert ids_of([bench.show()["events"]]) == list(range(bench.load("s")[0].sequence, 0, -1))
    assert bench.show()["next_page_token"] is None
    first = page_of_events(bench.engine, "s", None)
    assert first["items"] == bench.show()["events"]
    assert (first["has_more"], first["next_page_token"]) == (False, None)


def test_each_page_of_ten_thousand_events_costs_one_record_and_one_page(
    bench: Bench,
) -> None:
    start(bench)
    lengthen(bench, 10_000)
    pages: list[list[dict[str, Any]]] = []
    for page in pages_of(bench):
        assert bench.rpc.calls == bench.rpc.entities == {"Lookup": 2 if pages else 1}
        pages.append(page)
    newest = bench.load("s")[0].sequence
    assert newest > 10_000
    assert ids_of(pages) == list(range(newest, 0, -1))
    assert max(map(len, pages)) <= MAX_PAGE_EVENTS
    assert min(map(len, pages)) >= 20


def test_no_event_is_lost_or_repeated_if_the_saga_moves_between_pages(
    bench: Bench,
) -> None:
    start(bench)
    go_on(bench, 100)
    newest, moved = bench.load("s")[0].sequence, bench.load("s")[0].pages
    pages = list(pages_of(bench, lambda: go_on(bench, 30)))
    assert len(pages) >= 4
    assert ids_of(pages) == list(range(newest, 0, -1))
    assert bench.load("s")[0].pages > moved


def test_many_events_of_one_commit_are_several_pages(bench: Bench) -> None:
    start(bench)
    saga, _ = bench.load("s")
    events = [
        EventRecord(id=n, at=bench.time, from_status="a", to_status="b", cause="c")
        for n in range(2, 500)
    ]
    packed = pack(saga, events)
    assert [len(page.events) for page in packed.pages[:-1]] == [MAX_PAGE_EVENTS] * 4
    assert len(packed.saga.events) <= MAX_PAGE_EVENTS


def test_a_token_works_only_for_its_own_saga(bench: Bench) -> None:
    for saga_id in ("s", "t"):
        start(bench, saga_id)
    lengthen(bench, 300)
    token = bench.show()["next_page_token"]
    for foreign in (token[:-1], "1", "x" * 40):
        with pytest.raises(Malformed, match="page token"):
            page_of_events(bench.engine, "s", foreign)
    with pytest.raises(Malformed, match="broken, or of another query"):
        page_of_events(bench.engine, "t", token)
    with pytest.raises(NotFound, match="no saga 'u'"):
        page_of_events(bench.engine, "u", token)


def test_a_token_of_a_purged_saga_does_not_work_for_a_later_one(bench: Bench) -> None:
    start(bench)
    lengthen(bench, 300)
    token = bench.show()["next_page_token"]
    bench.engine.repository.purge(bench.load("s")[0], [])
    start(bench)
    with pytest.raises(Malformed, match="of an earlier saga with this id"):
        page_of_events(bench.engine, "s", token)


def test_older_events_hide_secrets_too(bench: Bench, probe: Probe) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("4111-1111 was refused")

    probe.on["a"] = refuse
    plain = Saga("letters", payload=dict[str, str], steps=(make_step(probe, "a"),))
    bench.engine = bench.make_engine(plain)
    start(bench, payload={"card": "4111-1111"})
    bench.run_to_end()
    lengthen(bench, 200)
    assert "4111-1111" in str(list(pages_of(bench)))
    # A later deployment of the same version marks the secret.
    hidden = Saga("letters", payload=dict[str, Secret[str]], steps=(make_step(probe, "a"),))
    bench.engine = bench.make_engine(hidden)
    assert "4111-1111" not in str(list(pages_of(bench)))


def test_the_trail_says_when_each_attempt_began_and_ended(bench: Bench, probe: Probe) -> None:
    def take(seconds: int, call: Any) -> str:
        bench.pass_time(seconds=seconds)
        if call.attempt == 1:
            raise Retry("busy")
        return "done"

    probe.on |= {"a": partial(take, 3), "b": partial(take, 5)}
    start(bench)
    bench.run_to_end()
    events = bench.show()["events"][::-1]
    ends = [event for event in events if event["began_at"]]
    took = [(e["step"], e["attempt"], (e["at"] - e["began_at"]).seconds) for e in ends]
    assert took == [("a", 1, 3), ("a", 2, 3), ("b", 1, 5), ("b", 2, 5), ("c", 1, 0), ("d", 1, 0)]
    assert {event["cause"] for event in events if event["began_at"] is None} == {
        "saga_started", "first_step_ran", "all_steps_completed",
    }  # fmt: skip
