"""Cursors, limits and offsets: every result once, whatever else is written meanwhile."""

from typing import Any

import pytest
from grpc import StatusCode

from tests.contract.wire import Unindexed, Wire, list_names, refuses


@pytest.fixture
def letters(wire: Wire) -> Wire:
    wire.put_all({name: {"p": ord(name) % 3, "q": ord(name)} for name in "abcdefghij"})
    return wire


SHAPES: dict[str, dict[str, Any]] = {
    "by key": {},
    "ascending": {"order": ["q"]},
    "descending": {"order": ["-q"]},
    "with ties": {"order": ["p"]},
    "with descending ties": {"order": ["-p"]},
    "with ascending keys below descending values": {"order": ["-p", "__key__"]},
    "by two": {"order": ["p", "q"]},
    "projected": {"project": ["p", "q"]},
    "only keys": {"project": ["__key__"]},
}


@pytest.mark.parametrize("name", SHAPES)
def test_pages_have_every_result_once_and_in_order(letters: Wire, name: str) -> None:
    shape = SHAPES[name]
    whole = letters.names("K", **shape)
    assert len(whole) == 10
    paged: list[str | int] = []
    cursor = b""
    for _ in range(4):
        batch = letters.run(letters.query("K", limit={"value": 3}, start_cursor=cursor, **shape))
        paged += list_names(batch)
        cursor = batch.end_cursor
    assert paged == whole


@pytest.mark.parametrize("name", SHAPES)
def test_the_cursor_of_a_result_stands_after_it(letters: Wire, name: str) -> None:
    shape = SHAPES[name]
    batch = letters.run(letters.query("K", **shape))
    for at in (0, 4, 9):
        cursor = batch.entity_results[at].cursor
        assert letters.names("K", start_cursor=cursor, **shape) == list_names(batch)[at + 1 :]
        assert letters.names("K", end_cursor=cursor, **shape) == list_names(batch)[: at + 1]


def test_a_cursor_keeps_its_place_while_others_come_and_go(letters: Wire) -> None:
    cursor = letters.run(letters.query("K", limit={"value": 3})).end_cursor
    letters.commit(letters.mutation("delete", ("K", "c")), letters.mutation("upsert", ("K", "aa")))
    letters.put("K", "dd")
    rest = letters.names("K", start_cursor=cursor)
    assert rest == ["d", "dd", "e", "f", "g", "h", "i", "j"]


def test_an_offset_is_counted_and_skipped(letters: Wire) -> None:
    batch = letters.run(letters.query("K", offset=4, limit={"value": 2}))
    assert (list_names(batch), batch.skipped_results) == (["e", "f"], 4)
    batch = letters.run(letters.query("K", offset=40))
    assert (list_names(batch), batch.skipped_results) == ([], 10)


def test_a_limit_says_that_there_is_more(letters: Wire) -> None:
    batch = letters.run(letters.query("K", limit={"value": 2}))
    assert batch.more_results == batch.MORE_RESULTS_AFTER_LIMIT
    batch = letters.run(letters.query("K", limit={"value": 0}))
    assert list_names(batch) == []


@pytest.mark.deviation("classic", "it says that there may be more, even when there is not")
def test_the_last_batch_says_that_it_is_the_last(letters: Wire) -> None:
    batch = letters.run(letters.query("K"))
    assert batch.more_results == batch.NO_MORE_RESULTS


@pytest.fixture
def turnable(wire: Wire) -> Wire:
    """Entities of a kind with indexes for both directions."""
    wire.put_all({name: {"p": ord(name) % 3, "q": ord(name)} for name in "abcdefghij"}, kind="R")
    return wire


#: Orders, and the reverse of each.
REVERSED: dict[str, tuple[list[str], list[str]]] = {
    "ascending keys": ([], ["-__key__"]),
    "named keys": (["__key__"], ["-__key__"]),
    "descending keys": (["-__key__"], ["__key__"]),
    "one property": (["q"], ["-q"]),
    "one property and the key": (["q", "__key__"], ["-q", "-__key__"]),
    "ties": (["p", "__key__"], ["-p", "-__key__"]),
    "two properties": (["p", "q"], ["-p", "-q"]),
    "two properties, mixed": (["p", "-q"], ["-p", "q"]),
}
PROJECTIONS = {"whole": [], "only keys": ["__key__"]}


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("name", REVERSED)
def test_the_reverse_of_a_query_goes_on_backward_from_its_cursor(
    turnable: Wire, name: str, projection: str
) -> None:
    forward, backward = REVERSED[name]
    project = PROJECTIONS[projection]
    whole = turnable.names("R", order=forward, project=project)
    assert len(set(whole)) == 10
    for size in (1, 4, 10):
        page = turnable.run(
            turnable.query("R", order=forward, project=project, limit={"value": size})
        )
        for cursor in (page.end_cursor, page.entity_results[-1].cursor):
            before = turnable.names("R", order=backward, project=project, start_cursor=cursor)
            assert before == whole[size - 1 :: -1]
            rest = turnable.names("R", order=backward, project=project, end_cursor=cursor)
            assert rest == whole[: size - 1 : -1]


def test_pages_can_be_turned_forth_and_back(turnable: Wire) -> None:
    """As NDB does it: the same cursor, and the query in reverse."""
    forward, backward = {"order": ["q"]}, {"order": ["-q"]}
    first = turnable.run(turnable.query("R", limit={"value": 3}, **forward))
    second = turnable.run(
        turnable.query("R", limit={"value": 3}, start_cursor=first.end_cursor, **forward)
    )
    assert list_names(second) == ["d", "e", "f"]
    back = turnable.run(
        turnable.query("R", limit={"value": 2}, start_cursor=second.end_cursor, **backward)
    )
    assert list_names(back) == ["f", "e"]
    forth = turnable.names("R", limit={"value": 3}, start_cursor=back.end_cursor, **forward)
    assert forth == ["e", "f", "g"]
    skipping = turnable.run(
        turnable.query("R", offset=1, start_cursor=second.end_cursor, **backward)
    )
    assert (list_names(skipping), skipping.skipped_results) == (["e", "d", "c", "b", "a"], 1)


def test_what_only_turns_later_orders_takes_a_cursor_on_its_side(turnable: Wire) -> None:
    cursor = turnable.run(turnable.query("R", order=["p", "q"], limit={"value": 2})).end_cursor
    by_q = turnable.names("R", order=["p", "-q"])
    place = by_q.index("f")
    assert turnable.names("R", order=["p", "-q"], start_cursor=cursor) == by_q[place + 1 :]


@pytest.mark.deviation("classic", "it compares the values of the first of each group")
def test_a_cursor_between_distinct_results_is_there_in_reverse_too(turnable: Wire) -> None:
    distinct: dict[str, Any] = {"project": ["p"], "distinct": ["p"]}
    page = turnable.run(turnable.query("R", order=["p"], limit={"value": 2}, **distinct))
    assert list_names(page) == ["c", "a"]
    back = turnable.names("R", order=["-p"], start_cursor=page.end_cursor, **distinct)
    assert back == ["j", "i"]


@pytest.mark.lacks("classic", "it has no disjunctions")
@pytest.mark.deviation("fsd", "it goes on within the group of the cursor")
def test_a_cursor_between_distinct_results_of_alternatives_is_there_in_reverse_too(
    turnable: Wire,
) -> None:
    q_is = ("q", "in", [97, 98, 99, 100, 101])
    distinct: dict[str, Any] = {"project": ["p"], "distinct": ["p"]}
    forward = turnable.query("R", q_is, order=["p", "q"], limit={"value": 2}, **distinct)
    page = turnable.run(forward)
    assert list_names(page) == ["c", "a"]
    back = turnable.query("R", q_is, order=["-p", "-q"], start_cursor=page.end_cursor, **distinct)
    assert list_names(turnable.run(back)) == ["d", "c"]


def test_a_cursor_before_everything_is_no_bound_to_the_reverse(turnable: Wire) -> None:
    cursor = turnable.run(turnable.query("R", order=["q"], limit={"value": 0})).end_cursor
    assert turnable.names("R", order=["-q"], start_cursor=cursor) == list("jihgfedcba")


@pytest.mark.parametrize("length", [1, 5, 9, 10, 14, -1])
def test_a_cut_cursor_is_refused(letters: Wire, length: int) -> None:
    cursor = letters.run(letters.query("K", order=["q"], limit={"value": 3})).end_cursor
    with refuses(StatusCode.INVALID_ARGUMENT, "cursor cannot be read|parsing protocol message"):
        letters.run(letters.query("K", order=["q"], start_cursor=cursor[:length]))


def test_a_cursor_of_another_kind_is_refused(letters: Wire) -> None:
    cursor = letters.run(letters.query("K", limit={"value": 3})).end_cursor
    with refuses(StatusCode.INVALID_ARGUMENT, "cursor does not match|cursor.postfix_position"):
        letters.run(letters.query("Other", start_cursor=cursor))


@pytest.mark.deviation("fsd", "it takes the cursor and answers nothing")
def test_a_cursor_of_another_order_is_refused(letters: Wire) -> None:
    cursor = letters.run(letters.query("K", limit={"value": 3})).end_cursor
    with refuses(StatusCode.INVALID_ARGUMENT, "cursor does not match"):
        letters.run(letters.query("K", start_cursor=cursor, order=["q"]))


@pytest.mark.deviation("fsd", "it answers an entity once for each value that matches")
def test_a_later_page_does_not_repeat_an_entity_with_several_values(wire: Wire) -> None:
    wire.put_all({"a": {"n": [1, 4]}, "b": {"n": [2, 5]}, "c": {"n": 3}})
    batch = wire.run(wire.query("K", order=["n"], limit={"value": 2}))
    assert list_names(batch) == ["a", "b"]
    assert wire.names("K", order=["n"], start_cursor=batch.end_cursor) == ["c"]


def test_a_long_result_comes_in_batches_that_a_client_can_receive(local_wire: Wire) -> None:
    wire = local_wire
    wire.put_all({f"e{n:03}": {"n": n} for n in range(350)})
    batch = wire.run(wire.query("K"))
    assert (len(batch.entity_results), batch.more_results) == (300, batch.NOT_FINISHED)
    rest = wire.run(wire.query("K", start_cursor=batch.end_cursor))
    assert (len(rest.entity_results), rest.more_results) == (50, batch.NO_MORE_RESULTS)


def test_large_entities_come_in_small_batches(local_wire: Wire) -> None:
    wire = local_wire
    for n in range(6):
        wire.put("Large", n + 1, text=Unindexed("x" * 1_000_000))
    batch = wire.run(wire.query("Large"))
    assert batch.more_results == batch.NOT_FINISHED
    assert batch.ByteSize() < 4 * 1024 * 1024
    answer = wire.look_up(*(("Large", n + 1) for n in range(6)))
    assert answer.ByteSize() < 4 * 1024 * 1024
    assert len(answer.found) + len(answer.deferred) == 6
    assert answer.deferred
