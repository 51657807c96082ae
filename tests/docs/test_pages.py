"""Everything that README and docs/ name exists: paths, modules, make targets, functions, links."""

import re
from pathlib import Path

import pytest

import main
from local.__main__ import EXAMPLES
from tests.docs.pages import PAGES, PROJECT, find_blocks, read_paste

ROOTS = "lib|local|deploy|functions|domain|benchmarks|demo|model|tests|docs|terraform"
#: A path in the repository, as in `lib/saga/barrier.py` or `deploy/`.
PATH = re.compile(rf"(?<![\w./-])((?:{ROOTS})/[\w./-]*)")
#: A module, or a name in one, as in `lib.saga.state.limits:MAX_TEXT` or `python -m local`.
MODULE = re.compile(rf"(?<![\w./-])((?:{ROOTS})(?:\.\w+)+)")
TARGET = re.compile(r"(?:`|^)make ([a-z][a-z -]*)", re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`(?!\])", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")
#: Names that a reader of the README creates.
MADE = {read.path for page in PAGES for b in find_blocks(page) if (read := read_paste(b))}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    paths = {path.rstrip(".") for path in PATH.findall(PAGES[page])} - MADE
    missing = [path for path in paths if not (PROJECT / path).exists()]
    assert not missing, f"{page} names {missing}"


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_a_page_names_exists(page: str) -> None:
    made = {path.removesuffix(".py").replace("/", ".") for path in MADE}
    for name in set(MODULE.findall(PAGES[page])) - made:
        if not name.endswith((".py", ".md", ".log")):
            assert is_module(name) or is_in_module(name), f"{page} names {name}"


def is_module(name: str) -> bool:
    path = PROJECT / name.replace(".", "/")
    return path.is_dir() or Path(f"{path}.py").is_file()


def is_in_module(name: str) -> bool:
    """Return whether a dotted name is something in a module."""
    module, _, last = name.rpartition(".")
    path = PROJECT / module.replace(".", "/")
    files = [path / "__init__.py", Path(f"{path}.py")]
    return any(re.search(rf"\b{last}\b", file.read_text()) for file in files if file.is_file())


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for words in TARGET.findall(PAGES[page]):
        for target in words.split():
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_works(page: str) -> None:
    prose = CODE.sub("", PAGES[page])
    for path, anchor in LINK.findall(prose):
        target = (PROJECT / page).parent / path if path else PROJECT / page
        assert target.exists(), f"{page}: {path}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {anchor_of(each) for each in headings}, f"{page}: #{anchor}"


def anchor_of(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_make_run_prints_the_three_lines_of_the_readme() -> None:
    [block] = [
        each
        for each in find_blocks("README.md")
        if each.section == "Run it" and each.code.startswith("curl")
    ]
    assert EXAMPLES.replace("{url}", "localhost:8080").strip() == block.code.strip()


def test_every_function_is_in_the_page_of_functions() -> None:
    for name in [*main.MODULE_OF, "api"]:
        assert f"`{name.replace('_', '-')}`" in PAGES["docs/http.md"], name


def test_the_readme_leads_to_every_page() -> None:
    for page in PAGES:
        assert page == "README.md" or f"({page})" in PAGES["README.md"], page


def test_no_page_names_a_folder_of_the_machine_that_it_was_written_on() -> None:
    home = re.compile(r"(?<![\w.-])/(?:work|root|home|tmp|Users)/")
    for page, text in PAGES.items():
        assert not home.search(text), f"{page}: {home.search(text)}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_written_in_plain_english(page: str) -> None:
    turns = re.compile(
        r"\b(whoever|made good|by lot|none the worse|for its pains|to be had|anew|in a word|thereof"
        r"|said again|by way of|whose pains|twice is once)\b"
    )
    assert not turns.findall(PAGES[page])


def test_no_folder_is_left_out_of_the_table_of_folders() -> None:
    page = PAGES["docs/architecture.md"].split("## Folders and imports")[1].split("## Glossary")[0]
    rooms = [file.parent for file in PROJECT.glob("*/__init__.py")]
    rooms += [file.parent for file in PROJECT.glob("lib/*/__init__.py")]
    rooms += [file.parent for file in PROJECT.glob("lib/saga/*/__init__.py")]
    for room in rooms:
        name = f"`{room.relative_to(PROJECT)}/"
        assert name in page, name
