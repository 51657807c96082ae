"""docs/verbs.md: what each verb does to a saga in each state, found by trying it.

`make verbs` writes the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lib.errors import AmendsError
from lib.saga.definition.table import Definitions
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.inputs import ParkRequested, SignalReceived
from lib.saga.machine.waits import waits_of
from lib.saga.operators.bulk import Verb, describe, make_request
from lib.saga.state.delivery import Delivery
from lib.saga.state.layout import pack
from lib.saga.testing import MemoryStore
from tests.unit.saga.machine.build import Played
from tests.unit.saga.machine.scenes import SCENES, Scene

FILE = Path(__file__).parents[2] / "docs" / "verbs.md"
OF_A_STEP = (Verb.SKIP, Verb.VOID)
OUTCOMES = ("COMPLETED", "ROLLED_BACK")
COLUMNS = (*(str(verb) for verb in Verb), "signal", "start again")
#: Another operator than the one in the scenes.
WHO: dict[str, Any] = {"actor": "bob@example.com", "reason": "a trial"}
DOES, NOTHING, REFUSED = "●", "=", "–"

HEAD = f"""# What each verb does in each state of a saga

`make verbs` generates this page by trying every cell; a test fails when the page is
out of date. The verbs are the functions `cancel-saga`, `pause-saga`, `resume-saga`, `park-saga`,
`retry-saga`, `skip-saga-step`, `void-saga-step`, `resolve-saga` and `signal-saga`; "start again" is
`start-saga` with the saga's id and payload. In the examples the saga's id is `s1`.

{DOES} changes the saga, {NOTHING} changes nothing and succeeds, {REFUSED} is refused. This table
shows skip and void for one step, the tables below for every step. To end any saga, park it and then
resolve it; this also resumes its paused children. If a verb's answer was lost and you send the verb
again, you get the first answer, even where this table shows a refusal.
"""


@dataclass(frozen=True)
class Cell:
    """What one verb does, as a mark and as text."""

    verb: str
    mark: str
    says: str


class NoQueue:
    """Drops every delivery: previews enqueue nothing."""

    def enqueue(self, delivery: Delivery) -> None:
        """Drop the delivery."""


def load(scene: Scene) -> tuple[Played, Engine]:
    """Return a scene's saga, and an engine that has it in its store."""
    played = scene.make()
    store = MemoryStore()
    for saga in (replace(played.saga, steps=played.steps), *played.children):
        store.insert(pack(saga).saga)
    definitions = Definitions([played.definition] if scene.declared else [])
    return played, Engine(definitions, SagaRepository(store), NoQueue(), lambda: played.now)


def try_all(scene: Scene) -> list[Cell]:
    """Try every verb on a scene's saga, the step's verbs on each step."""
    played, engine = load(scene)
    names = [each.name for each in played.steps]
    return [*_try_verbs(engine, names), _try_signal(engine, names), _start_again(engine, played)]


def _try_verbs(engine: Engine, names: list[str]) -> Iterator[Cell]:
    for verb in Verb:
        if verb in OF_A_STEP:
            for name in names:
                yield _preview(engine, f"{verb} {name}", make_request(verb, WHO, step=name))
        elif verb is Verb.RESOLVE:
            for end in OUTCOMES:
                yield _preview(engine, f"{verb} {end}", make_request(verb, WHO, outcome=end))
        else:
            yield _preview(engine, str(verb), make_request(verb, WHO))


def _try_signal(engine: Engine, names: list[str]) -> Cell:
    if "go" not in names:
        return Cell("signal", REFUSED, "404: it has no such signal")
    return _preview(engine, "signal", SignalReceived(step="go", payload="1", actor="ann"))


def _preview(engine: Engine, verb: str, what: Any) -> Cell:
    try:
        loaded, decision = engine.preview("s1", what)
    except AmendsError as refusal:
        return Cell(verb, REFUSED, f"{refusal.status}: {refusal.detail}")
    if not decision.events:
        return Cell(verb, NOTHING, "nothing: the saga is already in that state")
    return Cell(verb, DOES, _describe(loaded, decision))


def _describe(loaded: Any, decision: Any) -> str:
    change = describe(loaded, decision)
    said = [f"{name}: {moves}" for name, moves in change.steps.items()]
    if change.before != change.after:
        said.insert(0, f"{change.before} -> {change.after}")
    saga = decision.saga
    steps = saga.steps if decision.events else loaded.steps
    waits = [_name(wait) for wait in waits_of(saga, steps)]
    return "; ".join(said or ["its steps do not change"]) + (
        f". Then it waits for {', '.join(waits)}" if waits else ""
    )


def _name(wait: Any) -> str:
    words = {
        "delivery": f"the task of {wait.step}",
        "time": f"the timer of {wait.step}",
        "signal": f"the signal {wait.step}",
        "child": f"saga {wait.saga}",
        "resume": "a resume",
        "operator": "an operator",
        "parent": "the task that notifies its parent",
    }
    return words[wait.kind]


def _start_again(engine: Engine, played: Played) -> Cell:
    try:
        saga = engine.start(played.definition.name, "s1", {})
    except AmendsError as refusal:
        return Cell("start again", REFUSED, f"{refusal.status}: {refusal.detail}")
    return Cell("start again", NOTHING, f"returns the saga unchanged: {saga.state}")


def find_way_out(scene: Scene) -> str:
    """Park a scene's saga and resolve it; return the status that it ends in."""
    _, engine = load(scene)
    engine.apply("s1", ParkRequested(**WHO))
    return engine.apply("s1", make_request(Verb.RESOLVE, WHO, outcome="ROLLED_BACK")).status


def _title(scene: Scene) -> str:
    return f"{scene.make().saga.state}: {scene.title}"


def _overview(scene: Scene) -> str:
    found = {cell.verb: cell.mark for cell in try_all(scene)}
    keys = [_key(column, scene) for column in COLUMNS]
    return f"| {_title(scene)} | {' | '.join(found[key] for key in keys)} |"


def _key(column: str, scene: Scene) -> str:
    if column in OF_A_STEP:
        return f"{column} {scene.focus}"
    return f"{column} ROLLED_BACK" if column == Verb.RESOLVE else column


def _details(scene: Scene) -> Iterator[str]:
    played = scene.make()
    yield f"\n## {_title(scene)}\n"
    steps = ", ".join(f"{each.name} {each.status}" for each in played.steps)
    waits = ", ".join(map(_name, waits_of(played.saga, played.steps))) or "nothing: it has ended"
    yield f"Its steps: {steps}. It waits for {waits}.\n"
    yield "| verb | what it does, or why it is refused |\n|---|---|"
    for cell in try_all(scene):
        yield f"| {cell.verb} | {cell.says} |"


def render() -> str:
    """Return the whole page."""
    lines = [HEAD, f"| a saga is | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += map(_overview, SCENES)
    for scene in SCENES:
        lines += _details(scene)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(render())
