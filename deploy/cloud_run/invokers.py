"""Who may call each service: sets the IAM bindings by main.py's table."""

from deploy.cloud.client import Cloud
from deploy.cloud_run.api import set_members
from deploy.cloud_run.services import SMOKE, CloudRunService, list_services
from deploy.settings import Settings, split_list
from deploy.table import API

ROLE = "roles/run.invoker"

#: The members whose address IAM stores in lower case and compares case-insensitively.
_ADDRESSES = ("user:", "group:", "serviceaccount:", "domain:")


def members_of(service: CloudRunService, settings: Settings) -> list[str]:
    """Return all members that should have roles/run.invoker on a service, as IAM writes them."""
    callers, operators = split_list(settings.callers), split_list(settings.operators)
    members = {
        "public": ["allUsers"],
        "caller": callers,
        "operator": operators,
        "tasks": [settings.member(settings.tasks_account)],
        "scheduler": [settings.member(settings.scheduler_account)],
    }[service.function.invoker]
    if service.target == API:
        members = [*callers, *operators]
    return _unique([*members, *_helpers_of(service, settings)])


def admit_helpers(cloud: Cloud, settings: Settings) -> None:
    """Let the build and Cloud Tasks call the staged revisions for the smoke test.

    Adds or removes no other members.
    """

    def apply(service: CloudRunService) -> None:
        helpers = _helpers_of(service, settings)
        if service.function.invoker == "tasks":
            helpers = members_of(service, settings)
        if helpers:
            set_members(cloud, settings, service.name, ROLE, lambda now: _unique([*now, *helpers]))

    cloud.each(apply, list_services(settings))


def apply_invokers(cloud: Cloud, settings: Settings) -> None:
    """Set the members to those of the table and the settings: add missing ones, remove others."""

    def apply(service: CloudRunService) -> None:
        wanted = members_of(service, settings)

        def change(present: list[str]) -> list[str]:
            return present if set(_unique(present)) == set(wanted) else wanted

        set_members(cloud, settings, service.name, ROLE, change)

    cloud.each(apply, list_services(settings))


def canonical(member: str) -> str:
    """Return a member as IAM writes it: addresses in lower case, others unchanged."""
    kind, _, name = member.partition(":")
    if f"{kind.lower()}:" not in _ADDRESSES:
        return member
    return f"{kind}:{name.lower()}"


def _helpers_of(service: CloudRunService, settings: Settings) -> list[str]:
    tried = service.target in SMOKE or service.target == API
    return [settings.member(settings.build_account)] if tried else []


def _unique(members: list[str]) -> list[str]:
    return list(dict.fromkeys(map(canonical, members)))
