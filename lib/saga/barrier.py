"""The effect barrier: a participant's effect and the record of it in one transaction.

A duplicate call returns what the first one returned, be it a result or a refusal. A refusal binds
its attempt and those before it: a later one is made only where the saga does not count on it, as
when an operator has put its reason right and has the step tried again. A compensation that comes
before its step leaves a tombstone, and the late step is then refused: nobody would ever make it
good.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast

import msgspec

from lib.datastore import Id, OmitEmpty, Transaction, Version, entity, key
from lib.saga.call import Call, Permanent

T = TypeVar("T")


class EffectStatus(StrEnum):
    """What became of a step at its participant."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    UNDONE = "UNDONE"


@entity
@dataclass(slots=True, kw_only=True)
class Effect:
    """The record of one step's effect, by the step's idempotency key."""

    id: Id[str]
    status: EffectStatus
    result: Annotated[str, OmitEmpty] = ""
    refusal: Annotated[str, OmitEmpty] = ""
    #: The fencing token of the attempt that was done or refused.
    token: int = 0
    version: Version = 0


def apply_once(call: Call, effect: Callable[[Transaction], T]) -> T:
    """Run an effect in a transaction, once for the call's idempotency key; return its result.

    A Permanent that the effect raises is remembered too: without that, a duplicate call could
    succeed after the saga was told that the step did not happen. Raises Permanent for a step that
    was compensated before, or refused in this attempt or a later one.
    """

    def apply(tx: Transaction) -> T:
        seen = tx.find(key(Effect, call.idempotency_key))
        if seen is not None and not _is_outdated(seen, call):
            return cast(T, _result_of(seen))
        result = effect(tx)
        tx.upsert(
            Effect(
                id=call.idempotency_key,
                status=EffectStatus.DONE,
                result=msgspec.json.encode(result).decode(),
                token=call.fencing_token,
            )
        )
        return result

    try:
        return call.store.transact_optimistically(apply)
    except Permanent as problem:
        refusal = str(problem)
    seen = call.store.transact_optimistically(lambda tx: _remember_refusal(tx, call, refusal))
    return cast(T, _result_of(seen))


def undo_once(call: Call, undo: Callable[[Transaction, Any], object]) -> None:
    """Undo an effect in a transaction, once; `undo` gets the effect's result.

    Where there is no effect, nothing is undone and none can come later.
    """

    def apply(tx: Transaction) -> None:
        seen = tx.find(key(Effect, call.idempotency_key))
        if seen is not None and seen.status is EffectStatus.DONE:
            undo(tx, msgspec.json.decode(seen.result))
            tx.update(replace(seen, status=EffectStatus.UNDONE))
        elif seen is None or seen.status is EffectStatus.REFUSED:
            # A refusal binds no later attempt, and one of those may still be on its way.
            tx.upsert(Effect(id=call.idempotency_key, status=EffectStatus.UNDONE))

    call.store.transact_optimistically(apply)


def _remember_refusal(tx: Transaction, call: Call, refusal: str) -> Effect:
    seen = tx.find(key(Effect, call.idempotency_key))
    if seen is not None and not _is_outdated(seen, call):
        return seen
    return tx.upsert(
        Effect(
            id=call.idempotency_key,
            status=EffectStatus.REFUSED,
            refusal=refusal,
            token=call.fencing_token,
        )
    )


def _is_outdated(seen: Effect, call: Call) -> bool:
    return seen.status is EffectStatus.REFUSED and seen.token < call.fencing_token


def _result_of(seen: Effect) -> Any:
    if seen.status is EffectStatus.REFUSED:
        raise Permanent(seen.refusal)
    if seen.status is EffectStatus.UNDONE:
        raise Permanent("this step was compensated before it came")
    return msgspec.json.decode(seen.result)
