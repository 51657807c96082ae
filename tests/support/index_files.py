"""Index files as people write them, and the result of gcloud 528's own parser for each.

An index is (kind, ancestor, ((property, descends), ...)); None if the file is refused. Indexes
of vectors and geo points, and those without properties, are read and ignored.
"""

# ruff: noqa: E501

from typing import Final

from hypothesis import strategies as st

from local.datastore.storage.indexes import Definition

Index = tuple[str, bool, tuple[tuple[str, bool], ...]]

CASES: Final[dict[str, tuple[str, tuple[Index, ...] | None]]] = {
    "empty": ("", ()),
    "only comment": ("# x\n", ()),
    "indexes null": ("indexes:\n", ()),
    "indexes empty": ("indexes: []\n", ()),
    "marker": ("---\nindexes:\n- kind: A\n", ()),
    "two docs": ("indexes:\n---\nindexes:\n", None),
    "y": ("indexes:\n- kind: A\n  properties:\n  - name: y\n", None),
    "yes": ("indexes:\n- kind: A\n  properties:\n  - name: yes\n", None),
    "n": ("indexes:\n- kind: A\n  properties:\n  - name: n\n", None),
    "on": ("indexes:\n- kind: A\n  properties:\n  - name: on\n", None),
    "1": ("indexes:\n- kind: A\n  properties:\n  - name: 1\n", None),
    "1.5": ("indexes:\n- kind: A\n  properties:\n  - name: 1.5\n", None),
    "null": ("indexes:\n- kind: A\n  properties:\n  - name: null\n", None),
    "~": ("indexes:\n- kind: A\n  properties:\n  - name: ~\n", None),
    "quoted y": (
        "indexes:\n- kind: A\n  properties:\n  - name: 'y'\n",
        (("A", False, (("y", False),)),),
    ),
    "date": ("indexes:\n- kind: A\n  properties:\n  - name: 2020-01-01\n", None),
    "desc": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: descending\n",
        (("A", False, (("a", True),)),),
    ),
    "asc": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: ascending\n",
        (("A", False, (("a", False),)),),
    ),
    "DESC": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: DESC\n", None),
    "Desc": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: Desc\n", None),
    "dir null": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    direction:\n",
        (("A", False, (("a", False),)),),
    ),
    "dir up": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: up\n", None),
    "flow": (
        "indexes:\n- kind: A\n  properties: [{name: a, direction: desc}, {name: b}]\n",
        (("A", False, (("a", True), ("b", False))),),
    ),
    "json": (
        '{"indexes": [{"kind": "A", "ancestor": true, "properties": [{"name": "a"}]}]}',
        (("A", True, (("a", False),)),),
    ),
    "vector": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    vectorConfig: {dimension: 3, flat: {}}\n",
        (),
    ),
    "vector nodim": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    vectorConfig: {flat: {}}\n",
        None,
    ),
    "vector noflat": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    vectorConfig: {dimension: 3}\n",
        None,
    ),
    "two vectors": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    vectorConfig: {dimension: 3, flat: {}}\n  - name: b\n    vectorConfig: {dimension: 3, flat: {}}\n",
        None,
    ),
    "vector+dir": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    direction: asc\n    vectorConfig: {dimension: 3, flat: {}}\n",
        None,
    ),
    "geo": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    mode: geospatial\n", ()),
    "geo+dir": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n    mode: geospatial\n  - name: b\n    direction: asc\n",
        None,
    ),
    "mode other": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    mode: segment\n", None),
    "application": ("application: x\nindexes:\n- kind: A\n", ()),
    "application bad": ("application: 'X Y'\nindexes:\n- kind: A\n", None),
    "unknown top": ("foo: 1\nindexes:\n", None),
    "unknown index": ("indexes:\n- kind: A\n  foo: 1\n", None),
    "unknown prop": ("indexes:\n- kind: A\n  properties:\n  - name: a\n    foo: 1\n", None),
    "nokind": ("indexes:\n- properties:\n  - name: a\n", None),
    "noname": ("indexes:\n- kind: A\n  properties:\n  - direction: asc\n", None),
    "no properties": ("indexes:\n- kind: A\n", ()),
    "empty properties": ("indexes:\n- kind: A\n  properties: []\n", ()),
    "ancestor yes": ("indexes:\n- kind: A\n  ancestor: yes\n", ()),
    "ancestor Yes": ("indexes:\n- kind: A\n  ancestor: Yes\n", ()),
    "ancestor y": ("indexes:\n- kind: A\n  ancestor: y\n", ()),
    "ancestor 1": ("indexes:\n- kind: A\n  ancestor: 1\n", None),
    "ancestor str": ("indexes:\n- kind: A\n  ancestor: 'yes'\n", None),
    "ancestor null": ("indexes:\n- kind: A\n  ancestor:\n", None),
    "ancestor on": ("indexes:\n- kind: A\n  ancestor: on\n", ()),
    "kind y": ("indexes:\n- kind: y\n", None),
    "kind 1": ("indexes:\n- kind: 1\n", None),
    "merge conflict": ("indexes:\n<<<<<<< HEAD\n- kind: A\n=======\n- kind: B\n>>>>>>> x\n", None),
    "dup keys": ("indexes:\n- kind: A\n  kind: B\n", None),
    "dup top": ("indexes:\n- kind: A\nindexes:\n- kind: B\n", None),
    "dup index": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n- kind: A\n  properties:\n  - name: a\n",
        (("A", False, (("a", False),)),),
    ),
    "anchors": (
        "indexes:\n- kind: A\n  properties: &p\n  - name: a\n- kind: B\n  properties: *p\n",
        None,
    ),
    "tabs": ("indexes:\n-\tkind: A\n", None),
    "tab indent": ("indexes:\n- kind: A\n\tancestor: yes\n", None),
    "crlf": ("indexes:\r\n- kind: A\r\n  ancestor: yes\r\n", ()),
    "bom": ("\ufeffindexes:\n- kind: A\n", ()),
    "list top": ("- kind: A\n", None),
    "map indexes": ("indexes:\n  kind: A\n", None),
    "tag": ("indexes:\n- kind: !!str y\n", ()),
    "py tag": ("indexes: !!python/object/apply:os.system ['true']\n", None),
    "multi line": ("indexes:\n- kind: >\n    A\n", ()),
    "indented list": (
        "indexes:\n  - kind: A\n    properties:\n      - name: a\n        direction: desc\n",
        (("A", False, (("a", True),)),),
    ),
    "comment end": (
        "indexes: # x\n- kind: A # y\n  properties:\n  - name: a#b\n",
        (("A", False, (("a#b", False),)),),
    ),
    "key name": (
        "indexes:\n- kind: A\n  properties:\n  - name: __key__\n    direction: desc\n",
        (("A", False, (("__key__", True),)),),
    ),
    "unicode": ("indexes:\n- kind: Zoë\n", ()),
    "dup prop": (
        "indexes:\n- kind: A\n  properties:\n  - name: a\n  - name: a\n",
        (("A", False, (("a", False), ("a", False))),),
    ),
    "merge key": ("indexes:\n- &a\n  kind: A\n- <<: *a\n  ancestor: yes\n", None),
    "kind null": ("indexes:\n- kind:\n", None),
    "kind empty": ("indexes:\n- kind: ''\n", ()),
    "name empty": (
        "indexes:\n- kind: A\n  properties:\n  - name: ''\n",
        (("A", False, (("", False),)),),
    ),
    "index null": ("indexes:\n-\n", None),
    "prop null": ("indexes:\n- kind: A\n  properties:\n  -\n", None),
    "octal": ("indexes:\n- kind: A\n  properties:\n  - name: 010\n", None),
    "true": ("indexes:\n- kind: A\n  properties:\n  - name: true\n", None),
    "doc end": ("indexes:\n- kind: A\n...\n", ()),
}

NAMES = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    ["y", "N", "yes", "on", "null", "~", "1", "1e3", "0x1", "a: b", "- a", "#", "é", "'", '"', "<<"]
)
COLUMNS = st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=3).map(tuple)
DEFINITIONS = st.builds(Definition, NAMES, st.booleans(), COLUMNS)
