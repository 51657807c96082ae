"""The local reading of index.yaml equals that of gcloud's own parser, where installed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.datastore.storage.indexes import Definition
from tests.contract.gcloud_index import find_sdk, read_as_gcloud
from tests.support.absences import may_lack
from tests.support.index_files import CASES, DEFINITIONS, Index

SDK = find_sdk()
with_gcloud = pytest.mark.skipif(
    SDK is None and may_lack("gcloud"), reason="gcloud, whose parser this is, is not here"
)


@with_gcloud
def test_gclouds_parser_agrees_with_the_expected_results() -> None:
    assert SDK is not None
    found = read_as_gcloud(SDK, [text for text, _ in CASES.values()])
    assert {name: as_index(each) for name, each in zip(CASES, found, strict=True)} == {
        name: expected for name, (_, expected) in CASES.items()
    }


def as_index(found: Any) -> tuple[Index, ...] | None:
    """Return gcloud's answer in the table's form; equal entries are one index."""
    if found is None:
        return None
    indexes = (
        (kind, ancestor, tuple((name, descends) for name, descends in columns))
        for kind, ancestor, columns in found
    )
    return tuple(dict.fromkeys(indexes))


@with_gcloud
@settings(deadline=None, max_examples=3)
@given(st.lists(DEFINITIONS, min_size=30, max_size=30))
def test_gcloud_accepts_the_suggested_entry(indexes: list[Definition]) -> None:
    assert SDK is not None
    texts = [f"indexes:\n{each.describe()}\n" for each in indexes]
    assert [as_index(each) for each in read_as_gcloud(SDK, texts)] == [
        (tuple(each),) for each in indexes
    ]
