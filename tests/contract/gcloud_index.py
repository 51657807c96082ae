"""Google's own reading of index files, by gcloud's parser.

Run by gcloud's Python files alone, apart from our packages: `read_as_gcloud` starts it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SCRIPT = """
import json, sys
sys.path[:0] = sys.argv[1:]
from googlecloudsdk.appengine.datastore import datastore_index

def read(text):
    try:
        found = datastore_index.ParseIndexDefinitions(text)
    except Exception:  # gcloud's parser has many types of errors
        return None
    return [
        [index.kind, index.ancestor, [[each.name, each.direction == "desc"] for each in of]]
        for index in (found and found.indexes) or ()
        for of in [index.properties or []]
        if of and not any(each.mode or each.vectorConfig for each in of)
    ]

json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"""


def find_sdk() -> Path | None:
    """Return the folder of gcloud's libraries, None where gcloud is not installed."""
    gcloud = shutil.which("gcloud")
    folder = Path(gcloud).resolve().parent.parent / "lib" if gcloud else None
    return folder if folder and (folder / "googlecloudsdk").is_dir() else None


def read_as_gcloud(sdk: Path, texts: Sequence[str]) -> list[Any]:
    """Return the indexes of each text, None for one that gcloud refuses."""
    folders = [str(sdk), str(sdk / "third_party")]
    done = subprocess.run(
        [sys.executable, "-S", "-c", _SCRIPT, *folders],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))
