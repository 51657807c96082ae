"""What the README prints works as printed."""

import json
import re
import shutil
import subprocess
import time

import pytest

import main
from local.__main__ import EXAMPLES
from local.stack import Stack
from local.supervisor import PROJECT

README = (PROJECT / "README.md").read_text()


def code_after(words: str) -> str:
    """Return the first block of code after some words of the README."""
    block = re.search(r"```\w*\n(.*?)```", README[README.index(words) :], re.DOTALL)
    assert block is not None
    return block[1].strip()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_three_lines_place_an_order_and_show_that_it_completed(stack: Stack) -> None:
    lines = code_after("these three lines").splitlines()
    assert len(lines) == 3
    for line in lines:
        time.sleep(1)  # as long at least as a person takes from one line to the next
        command = line.replace("localhost:8080", stack.url)
        done = subprocess.run(
            ["bash", "-c", command.replace("curl ", "curl --silent --fail ")],
            capture_output=True,
            text=True,
            check=True,
        )
    order = json.loads(done.stdout)
    assert (order["id"], order["status"]) == ("order-1", "COMPLETED")


def test_make_run_prints_the_three_lines_of_the_readme() -> None:
    printed = EXAMPLES.replace("{url}", "localhost:8080")
    assert printed.strip() == code_after("these three lines")


def test_every_function_is_in_the_readme() -> None:
    for name in [*main.MODULE_OF, "api"]:
        assert f"`{name.replace('_', '-')}`" in README, name


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
