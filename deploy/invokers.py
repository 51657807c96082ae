"""Who may call each service: IAM bindings, kept to what main.py's table says."""

from deploy.gcloud import Gcloud
from deploy.services import SMOKE, Service
from deploy.settings import Settings

ROLE = "roles/run.invoker"


def members_of(service: Service, settings: Settings) -> set[str]:
    """Return who is to hold roles/run.invoker on a service, and nobody else."""
    callers, operators = _split(settings.callers), _split(settings.operators)
    members = {
        "public": {"allUsers"},
        "caller": callers,
        "operator": operators,
        "tasks": {settings.member(settings.tasks_account)},
        "scheduler": {settings.member(settings.scheduler_account)},
    }[service.function.invoker]
    if service.target == "api":
        # Its code lets operators alone operate: AMENDS_OPERATORS says who they are.
        members = members | operators
    if service.target in (SMOKE, "api"):
        members = members | {settings.member(settings.build_account)}
    return members


def apply_invokers(gcloud: Gcloud, settings: Settings, services: list[Service]) -> None:
    """Bind who is missing and unbind who is too much: the table and CALLERS are the one source."""

    def apply(service: Service) -> None:
        region = f"--region={settings.region}"
        policy = gcloud.read("run", "services", "get-iam-policy", service.name, region) or {}
        bound = {
            member
            for binding in policy.get("bindings", [])
            if binding["role"] == ROLE
            for member in binding["members"]
        }
        wanted = members_of(service, settings)
        changes = [("add", wanted - bound), ("remove", bound - wanted)]
        for verb, members in changes:
            for member in sorted(members):
                gcloud.change(
                    "run", "services", f"{verb}-iam-policy-binding", service.name, region,
                    f"--member={member}", f"--role={ROLE}",
                )  # fmt: skip

    gcloud.each(apply, services)


def _split(members: str) -> set[str]:
    return {member for member in members.split(",") if member}
