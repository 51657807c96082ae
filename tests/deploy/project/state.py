"""A project's resources, policies and time, and the refusals common to all APIs."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.project import tables

Resource = dict[str, Any]
Policy = dict[str, Any]


class Refused(Exception):
    """The request is refused: an HTTP status, Google's code, and a message."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(status, word, message)
        self.status, self.word, self.message = status, word, message


def missing(name: str) -> Refused:
    return Refused(404, "NOT_FOUND", f"Resource '{name}' was not found.")


@dataclass
class State:
    """All resources by full name. The fake has its own clock, which moves only on request."""

    project: str = "shop-1"
    number: str = "123456789012"
    now: float = 0.0
    resources: dict[str, Resource] = field(default_factory=dict)
    #: Every policy, and when it was set.
    policies: dict[str, list[tuple[float, Policy]]] = field(default_factory=dict)
    made: dict[str, float] = field(default_factory=dict)
    enabled: dict[str, float] = field(default_factory=dict)
    writes: list[float] = field(default_factory=list)

    def put(self, name: str, resource: Resource) -> Resource:
        self.made.setdefault(name, self.now)
        self.resources[name] = resource
        return resource

    def find(self, name: str) -> Resource:
        if name not in self.resources:
            raise missing(name)
        return self.resources[name]

    def below(self, parent: str, collection: str) -> list[Resource]:
        place = re.escape(parent).replace(r"/\-", "/[^/]+")
        pattern = re.compile(rf"{place}/{collection}/[^/]+")
        return [each for name, each in sorted(self.resources.items()) if pattern.fullmatch(name)]

    # Policies

    def policy_of(self, name: str) -> Policy:
        written = self.policies.get(name, [])
        return written[-1][1] if written else {"etag": "BwAAAAAA"}

    def set_policy(self, name: str, stated: Policy) -> Policy:
        present = self.policy_of(name)
        if stated.get("etag") and stated["etag"] != present["etag"]:
            raise Refused(409, "ABORTED", "There were concurrent policy changes. Please retry.")
        bindings = [self._canonical(each) for each in stated.get("bindings", [])]
        if any("condition" in each for each in bindings) and stated.get("version") != 3:
            raise Refused(400, "INVALID_ARGUMENT", "A policy with conditions is of version 3.")
        etag = f"BwX{len(self.policies.get(name, [])):05d}"
        policy = {"version": stated.get("version", 1), "etag": etag, "bindings": bindings}
        self.policies.setdefault(name, []).append((self.now, policy))
        return policy

    def allows(self, member: str, permission: str, name: str) -> bool:
        """Return whether a member has a permission on a resource, through it or the project."""
        return any(
            self._grants(binding, member, permission, name)
            for place in (name, f"projects/{self.project}")
            for binding in self._effective(place).get("bindings", [])
        )

    def check(self, member: str, permission: str, name: str) -> None:
        if not self.allows(member, permission, name):
            raise Refused(
                403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource '{name}'"
            )

    def _effective(self, name: str) -> Policy:
        known = [
            policy
            for at, policy in self.policies.get(name, [])
            if at + tables.IAM_SPREADS <= self.now or at < 0
        ]
        return known[-1] if known else {}

    def _grants(self, binding: Any, member: str, permission: str, name: str) -> bool:
        members = binding["members"]
        named = member in members or "allUsers" in members
        if not named or not tables.grants(binding["role"], permission):
            return False
        return _holds(binding.get("condition", {}).get("expression", ""), name)

    def _canonical(self, binding: Any) -> Any:
        return {**binding, "members": sorted({self._member(m) for m in binding["members"]})}

    def _member(self, member: str) -> str:
        if member in tables.EVERYBODY:
            return member
        kind = next((kind for kind in tables.KINDS if member.startswith(kind)), None)
        if kind is None:
            raise Refused(400, "INVALID_ARGUMENT", f"Invalid member: {member}")
        if kind in tables.ADDRESSES:
            member = kind + member.removeprefix(kind).lower()
        if member.startswith("serviceAccount:"):
            self.account(member.removeprefix("serviceAccount:"))
        return member

    def account(self, email: str) -> str:
        """Return an account's full name, once IAM knows it."""
        name = f"projects/{self.project}/serviceAccounts/{email}"
        if self.made.get(name, self.now) + tables.ACCOUNT_SPREADS > self.now:
            raise Refused(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")
        return name


def _holds(expression: str, name: str) -> bool:
    """Evaluate the used subset of IAM's conditions: equality and prefixes of a resource's name."""
    if not expression:
        return True
    for part in expression.split(" || "):
        equal = re.fullmatch(r'resource\.name == "(.+)"', part)
        begins = re.fullmatch(r'resource\.name\.startsWith\("(.+)"\)', part)
        assert equal or begins, expression
        if (equal and name == equal[1]) or (begins and name.startswith(begins[1])):
            return True
    return False
