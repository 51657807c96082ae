"""A canary: what is moved, how it advances or is rolled back, and when it is refused."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.rollout import revisions
from deploy.rollout.canary import describe_definitions
from deploy.settings import Unusable, read_settings
from domain.sagas import DEFINITIONS
from main import FUNCTIONS
from tests.deploy.builds import moved_by, put_beside
from tests.deploy.cloud import IMAGE, SETTINGS, Cloud, make_cloud
from tests.deploy.test_rollout import FEW, MACHINERY, serving

CANARY = replace(SETTINGS, canary="10")
SECOND, THIRD = f"{IMAGE}2", f"{IMAGE}3"
KNOWN = describe_definitions()


def put(cloud: Cloud, image: str, known: str = KNOWN) -> None:
    revisions.stage(cloud, SETTINGS, image, known)


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return a project in which the first release is staged."""
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    cloud = make_cloud()
    put(cloud, IMAGE)
    return cloud


@pytest.fixture
def cloud(staged: Cloud) -> Cloud:
    """Return a project in which one release serves all traffic, and the next one is staged."""
    cloud = staged
    revisions.release(cloud, SETTINGS)
    put(cloud, SECOND)
    cloud.take_changes()
    return cloud


def shares(cloud: Cloud, name: str) -> list[int]:
    """Return the percentages of a service's revisions, oldest first."""
    service = cloud.service(name)
    order = list(cloud.project.state.resources[service["name"]]["revisions"])
    found = {each["revision"]: each["percent"] for each in service["trafficStatuses"]
             if each.get("percent")}  # fmt: skip
    return [found[revision] for revision in order if revision in found]


def all_shares(cloud: Cloud) -> set[tuple[int, ...]]:
    return {tuple(shares(cloud, name)) for name in cloud.services}


def test_a_canary_moves_its_percentage_of_every_service_worker_first(
    cloud: Cloud,
) -> None:
    revisions.release(cloud, CANARY)
    assert all_shares(cloud) == {(90, 10)}
    moved = moved_by(cloud.take_changes())[len(FEW) :]  # after all services were marked
    assert set(moved[:2]) == MACHINERY
    revisions.release(cloud, CANARY)
    assert cloud.take_changes() == []


def test_a_release_of_the_same_build_completes_a_canary(cloud: Cloud) -> None:
    first = serving(cloud)
    revisions.release(cloud, CANARY)
    revisions.release(cloud, SETTINGS)
    assert all_shares(cloud) == {(100,)}
    assert not set(serving(cloud).values()) & set(first.values())
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == first


def test_a_canary_advances_without_a_build_and_changes_only_traffic(
    cloud: Cloud,
) -> None:
    revisions.release(cloud, CANARY)
    cloud.take_changes()
    revisions.promote(cloud, replace(SETTINGS, mode="api", callers="", canary="50"))
    assert all_shares(cloud) == {(50, 50)}
    revisions.promote(cloud, replace(SETTINGS, callers=""))
    assert all_shares(cloud) == {(100,)}
    assert all("updateMask=traffic" in line for line in cloud.take_changes())
    with pytest.raises(Unusable, match="every service already serves its staged"):
        revisions.promote(cloud, SETTINGS)


def test_a_rollback_undoes_a_canary(cloud: Cloud) -> None:
    first = serving(cloud)
    revisions.release(cloud, CANARY)
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == first


def test_only_a_release_that_has_begun_advances(cloud: Cloud) -> None:
    """The next build may have failed in its smoke test."""
    revisions.release(cloud, CANARY)
    put(cloud, THIRD)
    with pytest.raises(Unusable, match="no build has begun to release the staged"):
        revisions.promote(cloud, SETTINGS)
    assert all_shares(cloud) == {(90, 10)}


def test_a_build_during_a_canary_replaces_it_and_rolls_back_to_before_it(
    cloud: Cloud,
) -> None:
    first = serving(cloud)
    revisions.release(cloud, CANARY)
    put(cloud, THIRD)
    revisions.release(cloud, CANARY)
    assert all_shares(cloud) == {(90, 10)}
    revisions.release(cloud, SETTINGS)
    assert all_shares(cloud) == {(100,)}
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == first


def changed(name: str, what: list[str] | None) -> str:
    """Return this version's sagas, with a different entry for one of them."""
    known = json.loads(KNOWN) | {name: what}
    return json.dumps({key: value for key, value in known.items() if value is not None})


ORDERS = "order-processing version 1"


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (
            changed("refund version 1", ["f", "t"]),
            "the serving version does not know saga refund version",
        ),
        (changed("order-processing version 2", ["f", "t"]), "know saga order-processing version 2"),
        (changed(ORDERS, None), "this version no longer knows saga order-processing version 1"),
        (changed(ORDERS, ["f", "t"]), "order-processing version 1 has other steps"),
        (changed(ORDERS, [json.loads(KNOWN)[ORDERS][0], "t"]), "version 1 has other types"),
        ("", "does not list its sagas"),
    ],
)
def test_a_canary_is_refused_if_the_versions_declare_different_sagas(
    cloud: Cloud, known: str, reason: str
) -> None:
    first = serving(cloud)
    put(cloud, THIRD, known)
    cloud.take_changes()
    with pytest.raises(Unusable, match=f"{reason}.*(?s:.)*completely"):
        revisions.release(cloud, CANARY)
    assert cloud.take_changes() == []
    revisions.release(cloud, SETTINGS)
    assert not set(serving(cloud).values()) & set(first.values())


def test_a_version_lists_every_saga_that_it_declares() -> None:
    declared = {f"{name} version {version}" for name, version in DEFINITIONS}
    assert set(json.loads(KNOWN)) == declared
    fields = {(saga.fingerprint, saga.types) for saga in DEFINITIONS.values()}
    assert {tuple(each) for each in json.loads(KNOWN).values()} == fields


def test_the_first_build_is_released_completely(staged: Cloud) -> None:
    revisions.release(staged, CANARY)
    assert all_shares(staged) == {(100,)}


def test_a_removed_service_does_not_stop_a_rollback(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the mark of its last release."""
    revisions.release(cloud, SETTINGS)
    second = serving(cloud)
    monkeypatch.delitem(FUNCTIONS, "set_stock")
    put_beside(cloud, THIRD)
    revisions.release(cloud, SETTINGS)
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == second


@pytest.mark.parametrize("percent", ["0", "101", "ten", "-5"])
def test_an_invalid_percentage_is_refused(percent: str) -> None:
    with pytest.raises(Unusable, match="CANARY is 1 to 100 percent"):
        read_settings({"PROJECT": "p", "CANARY": percent})


def test_after_any_releases_every_service_serves_all_of_its_traffic(
    cloud: Cloud,
) -> None:
    chance = random.Random(7)
    done: Counter[str] = Counter()
    for number in range(25):
        verb = chance.choice(("stage", "release", "canary", "canary", "promote", "promote", "back"))
        try:
            if verb == "stage":
                put(cloud, f"{IMAGE}{number}")
            elif verb in ("release", "canary"):
                revisions.release(cloud, CANARY if verb == "canary" else SETTINGS)
            elif verb == "promote":
                revisions.promote(cloud, SETTINGS)
            else:
                revisions.roll_back(cloud, SETTINGS)
            done[verb] += 1
        except Unusable:
            continue
        finally:
            cloud.sleep(timedelta(minutes=1))
            assert len(all_shares(cloud)) == 1, "all services are at the same"
    assert len(done) == 5
