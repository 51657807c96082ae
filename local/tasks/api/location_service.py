"""The service google.cloud.location.Locations: a project's locations that have queues."""

import re
from typing import Any

from google.cloud.location.locations_pb2 import ListLocationsResponse, Location

from local.rpc.errors import InvalidArgument, NotFound
from local.tasks.storage.store import TaskStore
from local.tasks.v2.names import check_location
from local.tasks.v2.pages import cut_page, read_token

_MAX_LOCATIONS = 1000
_PROJECT = re.compile(r"projects/[A-Za-z0-9:.-]+")


class LocationService:
    """Lists the locations of the stored queues."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    async def list_locations(self, request: Any) -> Any:
        """Return a page of a project's locations."""
        if not _PROJECT.fullmatch(request.name):
            raise InvalidArgument('Project name must be formatted: "projects/<PROJECT_ID>"')
        after = read_token(request.page_token, request.name)
        prefix = f"{request.name}/locations/"
        names = [name for name in self._list_names() if name.startswith(prefix) and name > after]
        found = [_make_location(name) for name in names]
        page, token = cut_page(found, request.page_size, _MAX_LOCATIONS, request.name)
        return ListLocationsResponse(locations=page, next_page_token=token)

    async def get_location(self, request: Any) -> Any:
        """Return a location."""
        if check_location(request.name) not in self._list_names():
            raise NotFound("This location has no queues.")
        return _make_location(request.name)

    def _list_names(self) -> list[str]:
        queues = self._store.list_queues()
        return sorted({queue.name.partition("/queues/")[0] for queue in queues})


def _make_location(name: str) -> Any:
    return Location(name=name, location_id=name.rpartition("/")[2])
