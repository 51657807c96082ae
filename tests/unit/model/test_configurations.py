"""The model of the protocol: its table in docs/model.md, and its runner."""

import re
from collections.abc import Callable

import pytest

from model import __main__ as runner
from model import checker
from model.checker import PROMELA, judge
from model.configuration import Configuration, Expectation
from model.configurations import CONFIGURATIONS, TWINS
from tests.docs.pages import PAGES

PASSED = "State-vector 440 byte, depth reached 90, errors: 0\n    22154 states, stored\n"
FAILED = "pan:1: assertion violated (x==1) (at depth 48)\nerrors: 1\n    72 states, stored\n"
TOO_LARGE = "pan: reached -DMEMLIM bound\nWarning: Search not completed\nerrors: 0\n"


def configuration(expectation: Expectation) -> Configuration:
    return Configuration(name="c", claim="", expectation=expectation)


def test_the_table_in_the_docs_has_the_configurations_of_the_runner() -> None:
    row = re.compile(r"^\| ([a-z0-9-]+) \| (.*?) \| (.*?) \|", re.MULTILINE)
    _heading, *rows = row.findall(PAGES["docs/model.md"])
    assert rows == [(each.name, each.claim, str(each.expectation)) for each in CONFIGURATIONS]


def test_no_two_configurations_have_the_same_name() -> None:
    assert len({each.name for each in CONFIGURATIONS}) == len(CONFIGURATIONS)


def test_each_rule_that_the_model_can_break_is_broken_in_a_twin() -> None:
    text = "".join(source.read_text() for source in PROMELA.iterdir())
    rules = set(re.findall(r"\bBREAK_\w+", text))
    assert rules == {each.defines.split()[0] for each in TWINS}


@pytest.mark.parametrize("each", CONFIGURATIONS, ids=lambda each: each.name)
def test_a_configuration_defines_only_what_the_model_reads(each: Configuration) -> None:
    text = "".join(source.read_text() for source in PROMELA.iterdir())
    for define in each.defines.split():
        assert re.search(rf"\b{define.split('=')[0]}\b", text), define


@pytest.mark.parametrize(
    ("output", "expectation", "problem"),
    [
        (PASSED, Expectation.PASSES, ""),
        (PASSED, Expectation.FAILS, "the broken rule was not noticed"),
        (FAILED, Expectation.FAILS, ""),
        (FAILED, Expectation.PASSES, "assertion violated (x==1)"),
        (TOO_LARGE, Expectation.PASSES, "the search did not end"),
        ("", Expectation.FAILS, "the search did not end"),
    ],
)
def test_a_report_says_what_is_not_as_expected(
    output: str, expectation: Expectation, problem: str
) -> None:
    report = judge(configuration(expectation), output)
    assert report.problem.startswith(problem)
    assert bool(report.problem) == bool(problem)


@pytest.mark.parametrize(("problem", "code"), [("", 0), ("it broke", 1)])
def test_the_runner_exits_with_1_if_an_expectation_does_not_hold(
    problem: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    explore: Callable[[Configuration], checker.Report] = lambda _: checker.Report(problem=problem)  # noqa: E731
    monkeypatch.setattr(runner, "check", explore)
    monkeypatch.setattr(runner, "find_missing", list)
    assert runner.main(["smallest"]) == code
    assert ("NOT AS EXPECTED" in capsys.readouterr().out) == bool(problem)


def test_without_spin_the_runner_names_the_packages_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert runner.main([]) == 2
    assert "install these packages first: spin gcc libc6-dev" in capsys.readouterr().err


def test_an_unknown_configuration_is_refused_by_its_name() -> None:
    with pytest.raises(SystemExit, match="no configuration is called nonsense"):
        runner.choose(["nonsense"], is_long=False)
