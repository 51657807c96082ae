"""What operators monitor: the number of sagas, and those that are stuck or parked."""

from typing import Any

from functions.edge import endpoint
from functions.sagas.names import SagaName
from lib.edge.request.pages import PageSize, PageToken
from lib.saga.engine.engine import Engine
from lib.saga.operators import view
from lib.saga.operators.dashboard import monitor
from lib.timing.clock import now


@endpoint("GET")
def monitor_sagas(engine: Engine) -> dict[str, Any]:
    """Return a dashboard's numbers: by status, overdue, parked, retries, the oldest saga."""
    return monitor(engine.repository, now())


@endpoint("GET")
def count_sagas(engine: Engine, name: SagaName | None = None) -> dict[str, int]:
    """Return the number of sagas in each status, also finished ones; the cost grows with it."""
    return view.count_sagas(engine.repository, name)


@endpoint("GET")
def list_dead_letters(
    engine: Engine,
    name: SagaName | None = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """Return a page of the parked sagas, the longest parked first."""
    return view.page_of_letters(engine.repository, name, page_size, page_token)


@endpoint("GET")
def count_dead_letters(engine: Engine, name: SagaName | None = None) -> dict[str, int]:
    """Return the number of parked sagas."""
    return {"count": view.count_letters(engine.repository, name)}
