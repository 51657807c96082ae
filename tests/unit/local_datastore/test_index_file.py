"""index.yaml is read as gcloud reads it."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from local.datastore.storage.index_file import load_index_file
from local.datastore.storage.indexes import Definition
from project_files.yaml_file import BrokenFile
from tests.support.index_files import CASES, DEFINITIONS


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


def test_a_file_that_is_only_text_is_refused_although_gcloud_accepts_it(
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
def test_a_refusal_names_the_line_the_fault_and_what_to_write(
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
def test_the_suggested_entry_is_read_as_that_index(
    tmp_path_factory: pytest.TempPathFactory, index: Definition
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert load(folder, f"indexes:\n{index.describe()}\n") == [index]
