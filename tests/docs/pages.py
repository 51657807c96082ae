"""The pages of the documentation, and their blocks of code."""

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]

#: Pages that `make verbs` writes, and that have no code.
PAGES = {
    str(path.relative_to(PROJECT)): path.read_text()
    for path in sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
}

_BLOCK = re.compile(
    r"^(?P<mark><!-- not run: .*? -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)
_FILE = re.compile(r"# (?P<path>[\w/.]+\.py)(?:, in (?P<table>\w+))?\n(?P<code>.*)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of code: its page, its language, and whether it is marked as not run."""

    page: str
    section: str
    language: str
    code: str
    is_run: bool


@dataclass(frozen=True)
class Paste:
    """A block that a reader pastes into a file: the whole file, or lines of a table in it."""

    path: str
    table: str | None
    code: str


def find_blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = PAGES[page]
    blocks = []
    for found in _BLOCK.finditer(text):
        headings = re.findall(r"^##+ (.+)$", text[: found.start()], re.MULTILINE)
        code = "\n".join(line.removeprefix(found["indent"]) for line in found["code"].split("\n"))
        section = headings[-1] if headings else ""
        blocks.append(Block(page, section, found["language"], code, not found["mark"]))
    return blocks


def read_paste(block: Block) -> Paste | None:
    """Return where to paste a block, if its first line names a file."""
    found = _FILE.fullmatch(block.code)
    return Paste(found["path"], found["table"], found["code"]) if found else None
