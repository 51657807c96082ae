"""Indexes and TTL policies: what the build waits for before anything is staged."""

import pytest

from deploy.__main__ import prepare
from deploy.cloud import Failed
from deploy.database import INDEXED_WITHIN
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


def test_an_index_that_takes_too_long_ends_the_build_in_words(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    cloud.project.state.made[indexes(cloud)[0]] = cloud.now() + 2 * INDEXED_WITHIN
    with pytest.raises(Failed, match="every index is ready: still not after 30 minutes"):
        prepare(cloud, SETTINGS)


def test_an_index_that_cannot_be_built_ends_the_build_at_once(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    cloud.project.state.find(indexes(cloud)[0])["state"] = "NEEDS_REPAIR"
    began = cloud.now()
    with pytest.raises(Failed, match="an index cannot be built"):
        prepare(cloud, SETTINGS)
    assert cloud.now() - began < 60
