"""`python -m model [--long] [NAME ...]`: explore the model, and print a row for each configuration.

Exits with 1 if a configuration does not end as expected, and with 2 if a program is missing.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from model.checker import Report, check, find_missing
from model.configuration import Configuration
from model.configurations import CONFIGURATIONS

HEADING = "| configuration | what it checks | result | states | s | MiB |\n" + "|---" * 6 + "|"


def main(arguments: list[str]) -> int:
    """Check the configurations that were asked for, as many at a time as `--jobs` says."""
    asked = _parse(arguments)
    if missing := find_missing():
        print(f"model: install these packages first: {' '.join(missing)}", file=sys.stderr)
        return 2
    chosen = choose(asked.names, is_long=asked.long)
    print(HEADING, flush=True)
    problems = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        for configuration, report in zip(chosen, pool.map(check, chosen), strict=True):
            print(row(configuration, report), flush=True)
            if report.problem:
                problems.append(f"{configuration.name}: {report.problem}")
    print("\n".join(["", *problems]) if problems else f"\nAll {len(chosen)} are as expected.")
    return 1 if problems else 0


def choose(names: list[str], *, is_long: bool) -> list[Configuration]:
    """Return the named configurations; without a name all, the long ones only if `is_long`."""
    if unknown := set(names) - {each.name for each in CONFIGURATIONS}:
        raise SystemExit(f"model: no configuration is called {', '.join(sorted(unknown))}")
    if names:
        return [each for each in CONFIGURATIONS if each.name in names]
    return [each for each in CONFIGURATIONS if is_long or not each.is_long]


def row(configuration: Configuration, report: Report) -> str:
    """Return a line of the table in docs/model.md."""
    outcome = "NOT AS EXPECTED" if report.problem else str(configuration.expectation)
    cells = (
        configuration.name,
        configuration.claim,
        outcome,
        f"{report.states:,}",
        f"{report.seconds:.1f}",
        f"{report.megabytes:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--long", action="store_true", help="the long configurations too")
    parser.add_argument("--jobs", type=int, default=2, help="so many at a time (2)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
