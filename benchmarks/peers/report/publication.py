"""Puts the table and the picture where the documents show them."""

from collections.abc import Mapping
from pathlib import Path

_BEGIN, _END = "<!-- make bench -->", "<!-- end of make bench -->"


def replace_between_marks(text: str, new: str) -> str:
    """Return a document with something new between the marks of `make bench`.

    Raises ValueError if a mark is missing.
    """
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{_BEGIN} ... {_END} is not in the document")
    return f"{before}{begin}\n{new.strip()}\n{end}{after}"


def publish(table: str, picture: str, image: Path, documents: Mapping[Path, str]) -> None:
    """Write the picture to `image`, and both into documents, each with its path to the image."""
    image.write_text(picture)
    for document, path in documents.items():
        shown = f"{table}\n\n![Times and rates of the engines]({path})"
        document.write_text(replace_between_marks(document.read_text(), shown))
