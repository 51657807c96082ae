"""`make mutants`: change one line at a time, and print which test failed. Exit 1 if none did."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.mutants.table import MUTANTS
from tests.mutants.trial import (
    Verdict,
    check,
    find_failure_without_mutant,
    limit_seconds,
    try_out,
)

#: The number of mutants that are tried at a time.
AT_A_TIME = 2


def main(words: list[str]) -> int:
    """Try all mutants, or those that contain one of the words."""
    chosen = [each for each in MUTANTS if not words or any(word in str(each) for word in words)]
    for mutant in MUTANTS:
        check(mutant)
    began = time.monotonic()
    if failure := find_failure_without_mutant():
        print(f"without any mutant {failure} fails: the quick tests prove nothing")
        return 1
    seconds = limit_seconds(AT_A_TIME * (time.monotonic() - began))
    print(f"{len(chosen)} mutants, {seconds:.0f} s at most for each", flush=True)
    survivors = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for trial in as_completed([pool.submit(try_out, each, seconds) for each in chosen]):
            verdict = trial.result()
            survivors += not verdict.killed_by
            print(describe(verdict), flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def describe(verdict: Verdict) -> str:
    """Return the result for a mutant as one line."""
    fate = f"killed by {verdict.killed_by}" if verdict.killed_by else "SURVIVED"
    return f"{verdict.mutant}\n    {fate} ({verdict.seconds:.0f} s)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
