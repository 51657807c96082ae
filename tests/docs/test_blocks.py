"""Every block of code of README and docs/ is run by a test, or has a reason why not."""

import re
import shutil
import subprocess
import sys
import types

import hcl2
import pytest

from domain.orders.inventory import Stock
from lib.datastore import Store, connect, key
from local.stack import Stack
from tests.docs.pages import PAGES, PROJECT, Block, find_blocks, read_paste

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
BLOCKS = [block for page in PAGES for block in find_blocks(page)]
#: Pages whose Python blocks form one module.
MODULES = ["docs/datastore.md", "docs/sagas.md", "docs/develop.md"]
#: The address of the local Datastore in docs/develop.md.
DATASTORE = "127.0.0.1:8081"
#: The address of the functions in all pages.
FUNCTIONS = "localhost:8080/"
#: Languages of diagrams, and of settings that another test reads.
READ_ELSEWHERE = {"mermaid", "hcl"}


@pytest.mark.parametrize("page", MODULES)
def test_the_python_of_each_page_runs(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    blocks = [
        block
        for block in find_blocks(page)
        if block.language == "python" and block.is_run and read_paste(block) is None
    ]
    assert blocks
    for block in blocks:
        exec(compile(block.code, page, "exec"), module.__dict__)
    for name, value in list(vars(module).items()):
        if name.startswith("test_") and value.__module__ == "page":
            value()


def is_run(block: Block) -> bool:
    """Return whether a test runs a block, or holds it to the code."""
    if block.language in READ_ELSEWHERE:
        return True
    if block.language == "python":
        return block.page in MODULES or read_paste(block) is not None
    lines = [line for line in block.code.splitlines() if line.strip()]
    return block.language == "sh" and all(is_run_line(block.page, line) for line in lines)


def is_run_line(page: str, line: str) -> bool:
    """Return that for a shell line; gcloud's own parser checks gcloud's commands."""
    if line.startswith(("make ", "gcloud ", "#")):
        return True
    if page == "README.md":
        return line.startswith(("curl ", ".venv/bin/python -m pytest"))
    return line.startswith("curl ") and (DATASTORE in line or FUNCTIONS in line)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b.page}: {b.section}: {b.language}")
def test_every_block_is_run_or_says_why_not(block: Block) -> None:
    assert is_run(block) or not block.is_run, (
        f"no test runs this block of {block.page}; mark it with <!-- not run: why -->\n{block.code}"
    )


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "sh"], ids=lambda b: b.page)
def test_a_shell_parses_every_shell_block(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.code, text=True, capture_output=True)
    assert done.returncode == 0, f"{block.page}: {done.stderr}\n{block.code}"


def test_every_block_has_a_language() -> None:
    assert [b.page for b in BLOCKS if not b.language] == []


def test_every_fence_is_the_beginning_or_the_end_of_a_block() -> None:
    for page, text in PAGES.items():
        fences = len(re.findall(r"^ *```", text, re.MULTILINE))
        assert fences == 2 * len(find_blocks(page)), page


def send(block: Block, stack: Stack) -> str:
    """Run the lines of a block in a shell; return their output."""
    said = ""
    for line in block.code.splitlines():
        command = line.replace(DATASTORE, stack.datastore_host).replace(FUNCTIONS, f"{stack.url}/")
        command = command.replace("curl ", "curl --silent --show-error --fail ", 1)
        done = subprocess.run(["bash", "-c", command], text=True, capture_output=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        said += done.stdout
    return said


@needs_curl
@pytest.mark.parametrize("page", ["docs/http.md", "docs/operate.md"])
def test_every_call_of_a_page_succeeds(page: str, stack: Stack) -> None:
    said = [
        send(block, stack)
        for block in BLOCKS
        if block.page == page and block.is_run and block.code.startswith("curl ")
    ]
    assert said


@needs_curl
def test_data_is_read_and_edited_as_the_page_shows(stack: Stack) -> None:
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    store.upsert(Stock(id="tea", units=1))
    calls = [b for b in BLOCKS if b.page == "docs/develop.md" and b.code.startswith("curl ")]
    said = "".join(send(block, stack) for block in calls)
    assert '"Stock"' in said
    assert store.get(key(Stock, "tea")).units == 99


def test_the_terraform_of_the_page_sets_variables_that_the_module_has() -> None:
    [block] = [block for block in BLOCKS if block.language == "hcl"]
    [module] = hcl2.loads(block.code)["module"]
    stated = set(next(iter(module.values()))) - {"source", "__is_block__"}
    variables = (PROJECT / "terraform" / "variables.tf").read_text()
    assert stated
    assert stated <= set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE))
