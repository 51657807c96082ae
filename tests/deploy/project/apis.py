"""Every API but Cloud Run's: collections with lists, writes and policies."""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.deploy.project import tables
from tests.deploy.project.state import Refused, Resource, State

Query = dict[str, str]


class Apis:
    """Answers requests to collections; `CREATED` has side effects of writes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(
        self, api: str, parent: str, collection: str, body: Resource, query: Query
    ) -> Resource:
        name = f"{parent}/{collection}/{self._id_of(collection, body, query)}"
        if name in self._state.resources:
            raise Refused(409, "ALREADY_EXISTS", f"Resource '{name}' already exists.")
        resource = dict(body, name=name)
        change = CREATED.get(collection)
        if change:
            change(self._state, resource, body, query)
        self._state.put(name, resource)
        return resource

    def update(self, name: str, body: Resource, query: Query) -> Resource:
        present = self._state.find(name)
        mask = query.get("updateMask", "").replace("%2C", ",")
        if "/alertPolicies/" in name:
            _check_policy(self._state, {**present, **body}, body, query)
        if mask:
            fields = [field.split(".")[0] for field in mask.split(",")]
            fields = [_camel(field) for field in fields]
            changed = {field: body[field] for field in fields if field in body}
            dropped = {field for field in fields if field not in body}
            kept = {field: value for field, value in present.items() if field not in dropped}
            return self._state.put(name, {**kept, **changed, "name": name})
        return self._state.put(name, {**body, "name": name})

    def list(self, api: str, parent: str, collection: str) -> Resource:
        plural = {"serviceAccounts": "accounts", "b": "items"}.get(collection, collection)
        return {plural: [self.show(each["name"]) for each in self._state.below(parent, collection)]}

    def show(self, name: str) -> Resource:
        resource = dict(self._state.find(name))
        if "/metrics/" in name:
            resource["name"] = name.rpartition("/")[2]
        if "/indexes/" in name:
            ready = self._state.made[name] + tables.INDEX_BUILDS <= self._state.now
            if fields := resource.get("fields"):
                # The API adds the last component of every index, which requests leave out.
                key = {"fieldPath": "__name__", "order": "ASCENDING"}
                resource["fields"] = [*fields, key]
            resource["state"] = resource.get("state") or ("READY" if ready else "CREATING")
        return resource

    def _id_of(self, collection: str, body: Resource, query: Query) -> str:
        if collection == "serviceAccounts":
            return f"{body['accountId']}@{self._state.project}.iam.gserviceaccount.com"
        stated = query.get("databaseId") or query.get("repositoryId") or body.get("name")
        return str(stated or len(self._state.made) + 1).rpartition("/")[2]


def _camel(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.title() for word in rest)


def _check_account(state: State, resource: Resource, body: Resource, _: Query) -> None:
    if not tables.ACCOUNT_ID.fullmatch(body["accountId"]):
        raise Refused(
            400, "INVALID_ARGUMENT", f"account id {body['accountId']}: 6 to 30 characters"
        )
    email = resource["name"].rpartition("/")[2]
    resource.update(email=email, uniqueId=str(len(state.made) + 10**20), projectId=state.project)


def _check_queue(_: State, resource: Resource, body: Resource, __: Query) -> None:
    region = resource["name"].split("/")[3]
    if region not in tables.TASKS_REGIONS:
        raise Refused(400, "INVALID_ARGUMENT", f"Location '{region}' is not a valid location.")


def _check_database(state: State, resource: Resource, body: Resource, _: Query) -> None:
    if body.get("locationId") not in tables.DATABASE_LOCATIONS:
        raise Refused(400, "INVALID_ARGUMENT", f"no database can be in {body.get('locationId')}")


def _check_policy(state: State, resource: Resource, body: Resource, _: Query) -> None:
    """Refuse a policy on a metric that does not exist, or is not known yet."""
    text = json.dumps(resource.get("conditions", []))
    for name in re.findall(r"user/([a-z-]+)", text):
        made = state.made.get(f"projects/{state.project}/metrics/{name}")
        if made is None or made + tables.METRIC_SPREADS > state.now:
            raise Refused(
                404, "NOT_FOUND",
                f'Cannot find metric that matches type = "logging.googleapis.com/user/{name}". If '
                "a metric was created recently, it could take up to 10 minutes to be available.",
            )  # fmt: skip
    for condition in resource.get("conditions", []):
        kinds = [field for field in condition if field.startswith("condition")]
        if len(kinds) != 1:
            raise Refused(400, "INVALID_ARGUMENT", "a condition is of one kind")


CREATED: dict[str, Callable[[State, Resource, Resource, Query], None]] = {
    "serviceAccounts": _check_account,
    "queues": _check_queue,
    "jobs": _check_queue,
    "databases": _check_database,
    "alertPolicies": _check_policy,
}


def locations(names: tuple[str, ...], parent: str) -> Any:
    """Return a list of locations as every API prints it."""
    return {"locations": [{"name": f"{parent}/locations/{n}", "locationId": n} for n in names]}
