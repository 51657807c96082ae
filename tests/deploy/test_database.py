"""Indexes and TTL policies, which the build waits for before it stages anything."""

import pytest

from deploy.__main__ import prepare
from deploy.cloud.client import Failed
from deploy.stores.database import EXPIRING, INDEXED_WITHIN
from tests.deploy.cloud import SETTINGS, Cloud, make_cloud
from tests.deploy.project import tables


@pytest.fixture
def cloud() -> Cloud:
    return make_cloud()


def indexes(cloud: Cloud) -> list[str]:
    return [name for name in cloud.project.state.resources if "/indexes/" in name]


def test_nothing_is_staged_before_every_index_is_ready(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    began = cloud.now()
    prepare(cloud, SETTINGS)
    assert indexes(cloud)
    assert cloud.now() >= began + tables.INDEX_BUILDS
    assert "... waiting: every index is ready (up to 30 minutes)" in capsys.readouterr().out


def test_an_index_that_takes_too_long_ends_the_build_with_a_message(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    cloud.project.state.made[indexes(cloud)[0]] = cloud.now() + 2 * INDEXED_WITHIN.total_seconds()
    with pytest.raises(Failed, match="every index is ready: not yet after 30 minutes"):
        prepare(cloud, SETTINGS)


def test_an_index_that_cannot_be_built_ends_the_build_at_once(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    cloud.project.state.find(indexes(cloud)[0])["state"] = "NEEDS_REPAIR"
    began = cloud.now()
    with pytest.raises(Failed, match="an index cannot be built"):
        prepare(cloud, SETTINGS)
    assert cloud.now() - began < 60


def test_a_ttl_policy_is_made_once_for_each_kind_that_expires(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    made = [line for line in cloud.take_changes() if "--enable-ttl" in line]
    assert [line.split("--collection-group=")[1].split()[0] for line in made] == list(EXPIRING)
    prepare(cloud, SETTINGS)
    assert not [line for line in cloud.take_changes() if "--enable-ttl" in line]
