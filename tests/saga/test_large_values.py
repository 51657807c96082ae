"""Payloads, outputs and signals that are too large for their saga's record."""

from collections import Counter
from typing import Any

import pytest

from lib.datastore import Query, Rpc, Store, key
from lib.errors import Conflict, TooLarge, Unreadable
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step
from lib.saga.definition.types.secret import Secret
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.machine.inputs import PauseRequested, ResumeRequested
from lib.saga.operators import view
from lib.saga.state.limits import MAX_INLINE, MAX_OUTPUT, MAX_PAYLOAD, MAX_RECORD
from lib.saga.state.records import EventPage, SagaRecord, ValueRecord
from tests.saga.bench import Bench, Probe, make_step
from tests.unit.datastore.connections import CountingConnection

WHO: dict[str, Any] = {"actor": "ops", "reason": "a reason"}
PAYLOAD = {"text": "p" * 600_000}


def begin(bench: Bench, *steps: Any, payload: Any = PAYLOAD, kind: Any = dict) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=kind, steps=steps))
    bench.engine.start("letters", "s", payload)
    bench.rpc.calls.clear()
    bench.rpc.entities.clear()


def add_number(payload: dict[str, Any], _: Any) -> dict[str, Any]:
    return {**payload, "n": 1}


def three(probe: Probe, size: int = 800_000) -> list[Step]:
    for name in "abc":
        probe.on[name] = lambda call: call.step * size
    return [make_step(probe, name) for name in "abc"]


def record_of(bench: Bench, saga_id: str = "s") -> SagaRecord:
    return bench.store.get(key(SagaRecord, saga_id))


def test_a_saga_of_large_values_runs_and_is_shown_and_is_purged(bench: Bench, probe: Probe) -> None:
    seen: list[Any] = []
    probe.on["d"] = lambda call: seen.append({k: len(v) for k, v in call.outputs.items()})
    begin(bench, *three(probe), make_step(probe, "d"))
    assert bench.run_to_end() == ["done"] * 4
    assert seen == [{"a": 800_000, "b": 800_000, "c": 800_000}]
    shown = bench.show()
    assert shown["payload"] == PAYLOAD
    assert [len(bytes(step["output"])) for step in shown["steps"][:3]] == [800_002] * 3
    assert shown["steps"][0]["input"] == PAYLOAD
    assert bench.store.count(Query(ValueRecord)) == 4
    bench.pass_time(days=91)
    assert sweep(bench.engine, bench.now).purged == 1
    for kind in (SagaRecord, ValueRecord, EventPage):
        assert bench.store.count(Query(kind)) == 0


def test_a_large_value_is_written_once_and_read_where_an_action_needs_it(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, *three(probe))
    bench.run_to_end()
    # Each time a record and an output, and then a record and all values so far.
    assert bench.rpc.entities == {"Commit": 3 * 2, "Lookup": 3 + (1 + 2 + 3)}
    assert bench.rpc.calls == {"Commit": 3, "Lookup": 6}


def test_stale_deliveries_sweeps_lists_and_verbs_load_no_large_value(
    bench: Bench, probe: Probe
) -> None:
    begin(bench, *three(probe))
    first = bench.queue.waiting[0]
    bench.deliver()
    bench.rpc.entities.clear()
    assert bench.deliver(first) == "stale"
    assert bench.rpc.entities.pop("Lookup") == 1
    bench.engine.apply("s", PauseRequested(**WHO))
    bench.engine.apply("s", ResumeRequested(**WHO))
    assert bench.rpc.entities == {"Lookup": 4, "Commit": 2}  # each also looks for children
    bench.queue.lose_all()
    bench.pass_time(minutes=1)
    bench.rpc.entities.clear()
    assert sweep(bench.engine, bench.now).delivered == 1
    assert bench.rpc.entities == {"Commit": 1}
    [listed] = view.page_of_sagas(bench.engine.repository, None, None, 50, None)["items"]
    assert listed["id"] == "s"


@pytest.mark.parametrize("size", [MAX_PAYLOAD, MAX_PAYLOAD + 1])
def test_a_payload_has_at_most_900_kib(bench: Bench, probe: Probe, size: int) -> None:
    bench.engine = bench.make_engine(Saga("letters", payload=str, steps=(make_step(probe, "a"),)))
    if size > MAX_PAYLOAD:
        with pytest.raises(TooLarge, match="the payload has 921601 bytes; the limit is 921600"):
            bench.engine.start("letters", "s", "x" * (size - 2))
        return
    bench.engine.start("letters", "s", "x" * (size - 2))
    assert bench.run_to_end() == ["done"]


def test_a_start_with_the_same_large_payload_is_the_same_saga(bench: Bench, probe: Probe) -> None:
    begin(bench, make_step(probe, "a"))
    assert bench.engine.start("letters", "s", PAYLOAD).id == "s"
    with pytest.raises(Conflict, match="another name or payload"):
        bench.engine.start("letters", "s", {"text": "q" * 600_000})


def test_a_large_signal_counts_once_and_another_is_a_conflict(bench: Bench, probe: Probe) -> None:
    signal = "x" * (MAX_OUTPUT - 2)
    begin(bench, make_step(probe, "a"), Signal("go", payload=str), make_step(probe, "b"))
    for _ in range(2):
        bench.engine.signal("s", "go", signal, actor="ann")
    with pytest.raises(Conflict, match="with another payload"):
        bench.engine.signal("s", "go", signal[:-1], actor="ann")
    bench.run_to_end()
    assert bench.statuses("s")[0] == "COMPLETED"
    assert bench.load("s")[1][1].output == f'"{signal}"'
    assert bench.store.count(Query(ValueRecord)) == 2


def test_a_childs_large_payload_and_result_are_passed_unchanged(bench: Bench, probe: Probe) -> None:
    probe.on["k"] = lambda _: "r" * 800_000
    inner = Saga("inner", payload=dict, steps=(make_step(probe, "k"),))
    child = Child("c", saga=inner, payload=add_number)
    begin(bench, child, make_step(probe, "b"))
    bench.run_to_end()
    _, steps = bench.load("s")
    assert steps[0].output == f'"{"r" * 800_000}"'
    assert len(steps[0].input or "") > 600_000
    assert len(record_of(bench, "s:c").payload) < 100


def test_secrets_are_found_in_values_outside_the_record(bench: Bench, probe: Probe) -> None:
    secret = "hush-hush"

    def fail(_: Any) -> None:
        raise Permanent(f"{secret} was refused")

    first, second, _ = three(probe)
    probe.on["b"] = fail
    payload = {"text": secret, "more": "m" * 600_000}
    begin(bench, first, second, payload=payload, kind=dict[str, Secret[str]])
    bench.run_to_end()
    shown = str(bench.show())
    assert secret not in shown
    stored = str(record_of(bench)) + str(bench.engine.repository.events("s"))
    assert secret not in stored
    assert "[redacted] was refused" in stored


def test_thirty_small_outputs_do_not_make_a_large_record(bench: Bench, probe: Probe) -> None:
    names = [f"s{n}" for n in range(30)]
    probe.on |= {name: lambda call: call.step * 3500 for name in names}
    begin(bench, *(make_step(probe, name) for name in names), payload={"n": 1})
    bench.run_to_end()
    record = record_of(bench)
    inline = [step.output or "" for step in record.steps]
    assert sum(map(len, inline)) < MAX_RECORD
    assert all(len(each) < MAX_INLINE for each in inline)
    assert [len(step.output or "") for step in bench.load("s")[1]] == [
        len(name) * 3500 + 2 for name in names
    ]


def test_a_saga_whose_value_is_gone_is_left_to_the_sweep_with_an_alert(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(bench, make_step(probe, "a"))
    [value] = bench.store.run(Query(ValueRecord))
    bench.store.delete(key(ValueRecord, "s", value.id))
    assert bench.deliver() == "unreadable"
    assert '"alert":"unreadable-entity"' in capsys.readouterr().out
    with pytest.raises(Unreadable, match=r"SagaValue.* is gone"):
        bench.show()
    bench.store.insert(value)
    bench.pass_time(minutes=2)
    assert sweep(bench.engine, bench.now).delivered == 1
    assert bench.run_to_end() == ["done"]


class Weighed(CountingConnection):
    """Counts the bytes of answers."""

    def __init__(self, inner: Rpc) -> None:
        super().__init__(inner)
        self.bytes: Counter[str] = Counter()

    def call(self, method: str, request: Any, timeout: float) -> Any:
        answer = super().call(method, request, timeout)
        self.bytes[method] += answer.ByteSize()
        return answer


def test_a_page_of_fifty_sagas_of_large_values_is_light(bench: Bench, probe: Probe) -> None:
    probe.on["a"] = lambda call: call.step * 100_000
    bench.engine = bench.make_engine(
        Saga("letters", payload=dict, steps=(make_step(probe, "a"), make_step(probe, "b")))
    )
    for number in range(50):
        bench.engine.start("letters", f"s{number}", {"text": "p" * 100_000})
    bench.run_to_end()
    weighed = Weighed(bench.rpc.inner)
    page = view.page_of_sagas(SagaRepository(Store(weighed)), None, None, 50, None)
    assert len(page["items"]) == 50
    assert set(weighed.calls) == {"RunQuery"}
    # About 2 KiB a saga: its record, and not the 200 KB of its values.
    assert weighed.bytes["RunQuery"] < 150_000
