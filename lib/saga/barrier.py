"""The effect barrier: writes a participant's effects and their record in one transaction.

A duplicate call gets the same result or refusal as the first. A refusal is final for its attempt
and earlier ones. A later attempt is made only if the saga does not rely on the refusal: an operator
has removed its reason and retries the step. A compensation that arrives before its step leaves a
tombstone, and the late step is refused, because its effect would never be undone.

A step with several effects names each of them, and undoes them by name, last one first:

    apply_once(context, take_the_money, name="money")
    apply_once(context, give_points, name="points")
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar, overload

import msgspec

from lib.datastore import Id, OmitEmpty, Transaction, Version, entity, key
from lib.json.exact_numbers import encode_exact
from lib.saga.author_code.deferred_work import check_ran
from lib.saga.definition.checks.values import NAME
from lib.saga.definition.context import NotHappened, Permanent, StepContext

T = TypeVar("T")


class EffectStatus(StrEnum):
    """The state of an effect at its participant."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPart:
    """The state of one effect of a step; the only effect of a step has no name."""

    name: str = ""
    status: EffectStatus
    result: Annotated[str, OmitEmpty] = ""
    refusal: Annotated[str, OmitEmpty] = ""
    #: The fencing token of the attempt that had the effect or was refused.
    token: int = 0


@entity
@dataclass(slots=True, kw_only=True)
class Effect:
    """The record of a step's effects, by the step's idempotency key; the newest comes last."""

    id: Id[str]
    parts: list[EffectPart] = field(default_factory=list)
    #: Attempts up to this one may no longer have an effect: their status was answered "no".
    settled: Annotated[int, OmitEmpty] = 0
    version: Version = 0

    @property
    def status(self) -> EffectStatus | None:
        """DONE if any effect is done; None if none was recorded."""
        statuses = [part.status for part in self.parts]
        if EffectStatus.DONE in statuses:
            return EffectStatus.DONE
        return statuses[-1] if statuses else None

    def find(self, name: str) -> EffectPart | None:
        """Return the effect of a name; None if none was recorded."""
        return next((part for part in self.parts if part.name == name), None)


@overload
def apply_once(
    context: StepContext, effect: Callable[[Transaction], object], *, name: str = "", type: type[T]
) -> T: ...
@overload
def apply_once(
    context: StepContext, effect: Callable[[Transaction], object], *, name: str = ""
) -> Any: ...
def apply_once(
    context: StepContext, effect: Callable[[Transaction], Any], *, name: str = "", type: Any = Any
) -> Any:
    """Run an effect in a transaction, once per idempotency key and `name`.

    Returns the result, the same for a duplicate call: plain JSON, or decoded into `type`. A result
    that is not JSON, or does not fit `type`, raises an error, and nothing is written.

    If the effect raises Permanent, that is recorded too: otherwise a duplicate call could succeed
    after the saga has recorded that the step did not happen. Raises Permanent for a step that was
    compensated before, or refused in this attempt or a later one, and ValueError for a second
    effect with the same name in one call.
    """
    _claim(context, "apply_once", name, effect)

    def apply(tx: Transaction) -> Any:
        record = _find(tx, context)
        seen = record.find(name)
        if seen is not None and not _is_outdated(seen, context):
            return _result_of(seen, type)
        if context.fencing_token <= record.settled:
            raise Permanent("this attempt was settled as not executed: it must not take effect")
        encoded = encode_exact(check_ran(effect(tx), "the effect")).decode()
        result = msgspec.json.decode(encoded, type=type)
        _put(tx, record, _part_of(context, name, EffectStatus.DONE, result=encoded))
        return result

    try:
        return context.store.transact_optimistically(apply)
    except Permanent as problem:
        refusal = str(problem)
    seen = context.store.transact_optimistically(lambda tx: _refuse(tx, context, name, refusal))
    return _result_of(seen, type)


def undo_once(
    context: StepContext,
    undo: Callable[[Transaction, Any], object],
    *,
    name: str = "",
    type: Any = Any,
) -> None:
    """Undo the effect named `name` in a transaction, once; `undo` gets the effect's result.

    The result is plain JSON, or decoded into `type`. If there is no effect, nothing is undone, and
    no effect can happen later. Raises ValueError for a second undo with the same name in one call,
    and NotRun, with nothing undone, if `undo` returns work that has not run.
    """
    _claim(context, "undo_once", name, undo)

    def apply(tx: Transaction) -> None:
        record = _find(tx, context)
        seen = record.find(name)
        if seen is not None and seen.status is EffectStatus.DONE:
            check_ran(undo(tx, msgspec.json.decode(seen.result, type=type)), "the undo")
            _put(tx, record, replace(seen, status=EffectStatus.UNDONE))
        elif seen is None or seen.status is EffectStatus.REFUSED:
            # A refusal does not bind later attempts, and one of them may still arrive.
            _put(tx, record, EffectPart(name=name, status=EffectStatus.UNDONE))

    context.store.transact_optimistically(apply)


def settle_once(context: StepContext, *, name: str = "", type: Any = Any) -> Any:
    """Return the result of an effect, and make the answer final: for use in a step's `status=`.

    Returns the result of an effect that is done, as `apply_once` does. Otherwise raises
    NotHappened, and attempts that have begun can no longer have the effect; a later attempt, such
    as an operator's retry, can. If another effect of the step is done, the step has happened in
    part and must be compensated: raises Permanent, which leaves the status unknown.
    """
    record = bind(context, unless_done=name)
    seen = record.find(name)
    if seen is not None and seen.status is EffectStatus.DONE:
        return _result_of(seen, type)
    if record.status is EffectStatus.DONE:
        raise Permanent("the step was done in part")
    raise NotHappened(seen.refusal if seen is not None and seen.refusal else "it was not done")


def bind(context: StepContext, *, unless_done: str = "") -> Effect:
    """Block effects that earlier attempts have not had yet; return the record.

    Nothing changes if the effect named `unless_done` is done.
    """

    def settle(tx: Transaction) -> Effect:
        record = _find(tx, context)
        seen = record.find(unless_done)
        done = seen is not None and seen.status is EffectStatus.DONE
        if done or record.settled >= context.fencing_token:
            return record
        record = replace(record, settled=context.fencing_token)
        if record.version:
            tx.update(record, mask=["settled"])
        else:
            tx.insert(record)
        return record

    return context.store.transact_optimistically(settle)


def _claim(context: StepContext, what: str, name: str, action: object) -> None:
    """Record that a call uses a name; raise ValueError if another effect already uses it.

    Otherwise the second of two effects would count as a duplicate of the first.
    """
    if name and not NAME.fullmatch(name):
        raise ValueError(f"step {context.step}: {name!r} is not a valid name for an effect")
    if context.claims.setdefault((what, name), action) is not action:
        under = f"under the name {name!r}" if name else "without a name"
        raise ValueError(
            f"step {context.step}: a second {what} {under} in one call: give each effect of the "
            f"step a name of its own, {what}(context, ..., name='...')"
        )


def _find(tx: Transaction, context: StepContext) -> Effect:
    return tx.find(key(Effect, context.idempotency_key)) or Effect(id=context.idempotency_key)


def _put(tx: Transaction, record: Effect, part: EffectPart) -> None:
    others = [each for each in record.parts if each.name != part.name]
    changed = replace(record, parts=[*others, part])
    if record.version:
        tx.update(changed)
    else:
        tx.insert(changed)


def _part_of(context: StepContext, name: str, status: EffectStatus, **said: str) -> EffectPart:
    return EffectPart(name=name, status=status, token=context.fencing_token, **said)


def _refuse(tx: Transaction, context: StepContext, name: str, refusal: str) -> EffectPart:
    record = _find(tx, context)
    seen = record.find(name)
    if seen is not None and not _is_outdated(seen, context):
        return seen
    part = _part_of(context, name, EffectStatus.REFUSED, refusal=refusal)
    _put(tx, record, part)
    return part


def _is_outdated(seen: EffectPart, context: StepContext) -> bool:
    return seen.status is EffectStatus.REFUSED and seen.token < context.fencing_token


def _result_of(seen: EffectPart, type: Any) -> Any:
    if seen.status is EffectStatus.REFUSED:
        raise Permanent(seen.refusal)
    if seen.status is EffectStatus.UNDONE:
        raise Permanent("this step was compensated before this call arrived")
    return msgspec.json.decode(seen.result, type=type)
