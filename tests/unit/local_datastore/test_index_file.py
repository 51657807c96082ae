from pathlib import Path

import pytest

from local.datastore.index_file import IndexFileError, load_index_file
from local.datastore.indexes import Definition


def test_indexes_are_read_in_any_of_their_forms(tmp_path: Path) -> None:
    path = tmp_path / "index.yaml"
    path.write_text(
        """
# written by hand
indexes:

  - kind: Task
    ancestor: yes
    properties:
    - name: done
    - name: "created"   # the newest first
      direction: desc
  # another
  - properties:
      - direction: asc
        name: a.b
    kind: 'Other'
    ancestor: false
"""
    )
    assert load_index_file(path) == [
        Definition("Task", True, (("done", False), ("created", True))),
        Definition("Other", False, (("a.b", False),)),
    ]


def test_what_an_index_describes_can_be_read_again(tmp_path: Path) -> None:
    index = Definition("K", True, (("a", False), ("b", True)))
    path = tmp_path / "index.yaml"
    path.write_text(f"indexes:\n{index.describe()}\n")
    assert load_index_file(path) == [index]


@pytest.mark.parametrize(
    "text",
    [
        "indexes:\n- kind: K\n",
        "indexes:\n- kind: K\n  properties:\n  - name: a\n    direction: up\n",
        "indexes:\n- kind: K\n  colour: red\n",
        "indexes:\n- kind K\n",
        "kind: K\n",
    ],
)
def test_what_is_no_index_file_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "index.yaml"
    path.write_text(text)
    with pytest.raises(IndexFileError, match="line"):
        load_index_file(path)
