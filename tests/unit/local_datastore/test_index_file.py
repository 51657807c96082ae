"""index.yaml is read as gcloud reads it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.datastore.storage.index_file import load_index_file
from local.datastore.storage.indexes import Definition
from project_files.yaml_file import BrokenFile
from tests.support.absences import may_lack
from tests.unit.local_datastore.gcloud_index import find_sdk, read_as_gcloud
from tests.unit.local_datastore.index_files import CASES, Index

SDK = find_sdk()
with_gcloud = pytest.mark.skipif(
    SDK is None and may_lack("gcloud"), reason="gcloud, whose parser this is, is not here"
)

NAMES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    ["y", "N", "yes", "on", "null", "~", "1", "1e3", "0x1", "a: b", "- a", "#", "é", "'", '"', "<<"]
)
COLUMNS = st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=3).map(tuple)
DEFINITIONS = st.builds(Definition, NAMES, st.booleans(), COLUMNS)


def load(tmp_path: Path, text: str) -> list[Definition]:
    path = tmp_path / "index.yaml"
    path.write_bytes(text.encode())
    return load_index_file(path)


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_or_refused_as_gcloud_does(tmp_path: Path, name: str) -> None:
    text, expected = CASES[name]
    if expected is None:
        with pytest.raises(BrokenFile, match=r"index\.yaml: line \d+: ."):
            load(tmp_path, text)
    else:
        assert load(tmp_path, text) == [Definition(*each) for each in expected]


@with_gcloud
def test_what_is_expected_of_each_file_is_what_gclouds_parser_says() -> None:
    assert SDK is not None
    found = read_as_gcloud(SDK, [text for text, _ in CASES.values()])
    assert {name: as_index(each) for name, each in zip(CASES, found, strict=True)} == {
        name: expected for name, (_, expected) in CASES.items()
    }


def as_index(found: Any) -> tuple[Index, ...] | None:
    """Return gcloud's answer as the table writes it; what stands twice is one index."""
    if found is None:
        return None
    indexes = (
        (kind, ancestor, tuple((name, descends) for name, descends in columns))
        for kind, ancestor, columns in found
    )
    return tuple(dict.fromkeys(indexes))


def test_a_file_that_is_only_text_is_refused_though_gcloud_finds_no_index_in_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(BrokenFile, match=r"line 1: the file is a mapping .* not text \(hello\)"):
        load(tmp_path, "hello\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("indexes:\n- kind: y\n", "line 2: kind is text, not a truth value .y.: write 'y'"),
        ("indexes:\n- kind: A\n  colour: red\n", "line 3: 'colour' is not part of an index"),
        ("kind: A\n", "line 1: 'kind' is not part of the file: it has application, indexes"),
        ("indexes:\n<<<<<<< HEAD\n- kind: A\n=======\n", "line 3: could not find expected ':'"),
        ("indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: DESC\n",
         "line 5: direction is asc or ascending or desc or descending, not DESC"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_line_what_is_wrong_and_what_to_write(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BrokenFile, match=words):
        load(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"missing\.yaml: No such file"):
        load_index_file(tmp_path / "missing.yaml")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.yaml"
    path.write_bytes(b"indexes: \xff\n")
    with pytest.raises(BrokenFile, match="can't decode"):
        load_index_file(path)


@settings(deadline=None)
@given(DEFINITIONS)
def test_the_entry_that_is_printed_to_be_added_is_read_as_that_index(
    tmp_path_factory: pytest.TempPathFactory, index: Definition
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert load(folder, f"indexes:\n{index.describe()}\n") == [index]


@with_gcloud
@settings(deadline=None, max_examples=3)
@given(st.lists(DEFINITIONS, min_size=30, max_size=30))
def test_the_entry_that_is_printed_is_one_that_gcloud_takes(indexes: list[Definition]) -> None:
    assert SDK is not None
    texts = [f"indexes:\n{each.describe()}\n" for each in indexes]
    assert [as_index(each) for each in read_as_gcloud(SDK, texts)] == [
        (tuple(each),) for each in indexes
    ]
