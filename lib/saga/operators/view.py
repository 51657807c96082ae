"""Sagas as callers and operators see them: turns records into plain answers."""

from typing import Any

from lib.datastore import Page, Query, Transaction
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.causes import explain
from lib.saga.machine.waits import waits_of
from lib.saga.operators.activity import activities_of
from lib.saga.operators.price import show_cost
from lib.saga.operators.trail import clean_texts, next_page, show_events
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import DeadLetter, SagaRecord, SagaStatus, StepRecord
from lib.timing.clock import now


def show_saga(engine: Engine, saga: SagaRecord) -> dict[str, Any]:
    """Return a saga with its payload, its steps in order and the newest page of its audit trail.

    It hides values that a type of the definition marks as secret, and values without a type. It
    reads large values, and nothing else.
    """
    saga, steps = loaded = engine.repository.fill(engine.repository.load_steps(saga))
    events = engine.repository.events_of(saga)
    definition = engine.definitions.get((saga.name, saga.definition_version))
    privacy = Privacy(definition, saga, steps)
    show = clean_texts(engine, loaded, privacy)
    return {
        **summarize_saga(saga),
        "error": show(_error_of(saga)),
        "payload": privacy.show_payload(),
        "waits_for": list(waits_of(saga, steps)),
        "steps": [
            {
                **_show_step(step),
                "input": privacy.show_input(step),
                "output": privacy.show_output(step),
                "error": show(step.error),
            }
            for step in steps
        ],
        "events": show_events(events, show),
        "next_page_token": next_page(saga),
        "cost": show_cost(saga.cost),
    }


def summarize_saga(saga: SagaRecord) -> dict[str, Any]:
    """Return what a list of sagas shows of each saga."""
    return {
        "id": saga.id,
        "version": saga.sequence,
        "name": saga.name,
        "definition_version": saga.definition_version,
        "status": saga.status,
        "current_step": saga.current_step,
        "total_steps": saga.total_steps,
        "error": explain(_error_of(saga)),
        "rolled_back_because": explain(saga.error) or None,
        "parked_because": explain(saga.parked_because) or None,
        "stopping": saga.stopping,
        "activity": activities_of(saga, now()),
        "not_moving_since": saga.stands_since,
        "paused": saga.paused,
        "closed_by_hand": saga.closed_by_hand,
        "needs_operator": bool(saga.incident) or saga.status is SagaStatus.FAILED,
        "parent_id": saga.parent_id or None,
        "deadline_at": saga.deadline_at,
        "created_at": saga.created_at,
        "updated_at": saga.updated_at,
    }


def page_of_sagas(
    repository: SagaRepository,
    status: SagaStatus | None,
    name: str | None,
    size: int,
    token: str | None,
) -> dict[str, Any]:
    """Return a page of sagas, the newest first, of one status or name or of all."""
    page = find_page(repository, status, name, size, token)
    return show_page(page, [summarize_saga(saga) for saga in page.items])


def show_page(page: Page[Any], items: list[Any]) -> dict[str, Any]:
    """Return the answer for a page, with `items` as its items; it names unreadable records."""
    return {
        "items": items,
        "has_more": page.has_more,
        "next_page_token": page.next_page_token,
        "unreadable": page.unreadable,
    }


def find_page(
    repository: SagaRepository,
    status: SagaStatus | None,
    name: str | None,
    size: int,
    token: str | None,
) -> Page[SagaRecord]:
    """Return a page of the records of sagas, the newest first."""
    query = Query(SagaRecord)
    if status is not None:
        query = query.where("status", "=", status)
    if name is not None:
        query = query.where("name", "=", name)
    return repository.store.page_by_time(query, "-created_mark", size, token)


def page_of_letters(
    repository: SagaRepository, name: str | None, size: int, token: str | None
) -> dict[str, Any]:
    """Return a page of the parked sagas, the longest parked first."""
    page = repository.store.page_by_time(_letters(name), "created_mark", size, token)
    items = [
        {
            "saga": letter.id,
            "name": letter.name,
            "step": letter.step,
            "reason": explain(letter.reason),
            "alerted": letter.alerted,
            "parked_at": letter.created_at,
        }
        for letter in page.items
    ]
    return show_page(page, items)


def count_letters(repository: SagaRepository, name: str | None) -> int:
    """Return the number of parked sagas, by aggregation in Datastore."""
    return repository.store.count(_letters(name))


def _letters(name: str | None) -> Query[DeadLetter]:
    letters = Query(DeadLetter)
    return letters if name is None else letters.where("name", "=", name)


def count_sagas(repository: SagaRepository, name: str | None) -> dict[str, int]:
    """Return the number of sagas in each status, all at one read time, by aggregation."""
    query = Query(SagaRecord)
    if name is not None:
        query = query.where("name", "=", name)

    def count_each(tx: Transaction) -> dict[str, int]:
        return {status.value: tx.count(query.where("status", "=", status)) for status in SagaStatus}

    return repository.store.transact(count_each, read_only=True)


def _error_of(saga: SagaRecord) -> str:
    return saga.parked_because or saga.error


def _show_step(step: StepRecord) -> dict[str, Any]:
    return {
        "index": step.index,
        "name": step.name,
        "service": step.service,
        "status": step.status,
        "awaits": step.awaits,
        "attempts": step.attempt,
        "tries": step.tries,
        "uncertain": step.maybe_applied,
        "scheduled_at": step.scheduled_at if step.awaits else None,
        "child": step.child or None,
        "updated_at": step.updated_at,
    }
