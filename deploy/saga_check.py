"""`python -m deploy.saga_check`: exit 1 if an unfinished saga could not run with this code."""

import argparse
import sys

from domain.sagas import DEFINITIONS
from functions.clients import store
from lib.errors import AmendsError
from lib.saga.definition.table import check_table
from lib.saga.operators.compatibility import count_unknown_status, find_stranded


def main() -> int:
    """Check, and print the result; return 0, 1 for stranded sagas, 2 if they cannot be read."""
    argparse.ArgumentParser(prog="python -m deploy.saga_check", description=__doc__).parse_args()
    definitions = check_table(DEFINITIONS)
    try:
        stranded = find_stranded(store(), definitions)
        beyond = count_unknown_status(store())
    except AmendsError as problem:
        print(f"The unfinished sagas cannot be read: {problem.detail}", file=sys.stderr)
        return 2
    for each in stranded:
        print(f"{each.count} {each.status} sagas: {each.name} version {each.version} {each.reason}")
    if beyond:
        print(f"{beyond} sagas have a status that this code does not know: newer code wrote it")
    declared = ", ".join(f"{name} version {version}" for name, version in sorted(definitions))
    if not stranded and not beyond:
        print(f"Every unfinished saga can continue with the declared definitions: {declared}.")
    return 1 if stranded or beyond else 0


if __name__ == "__main__":
    sys.exit(main())
