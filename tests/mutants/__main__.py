"""`make mutants`: change one line at a time, and say which test noticed. Exit 1 if none did."""

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.table import MUTANTS
from tests.mutants.trial import Verdict, check, find_failure_without_mutant, try_out

#: As many are tried at a time.
AT_A_TIME = 2


def main(words: list[str]) -> int:
    """Try all mutants, or those in which one of the words occurs."""
    chosen = [each for each in MUTANTS if not words or any(word in str(each) for word in words)]
    for mutant in MUTANTS:
        check(mutant)
    if failure := find_failure_without_mutant():
        print(f"without any mutant {failure} fails: the quick tests prove nothing")
        return 1
    survivors = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for verdict in pool.map(try_out, chosen):
            survivors += not verdict.killed_by
            print(describe(verdict), flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def describe(verdict: Verdict) -> str:
    """Return what became of a mutant, in a line."""
    fate = f"killed by {verdict.killed_by}" if verdict.killed_by else "SURVIVED"
    return f"{verdict.mutant}\n    {fate} ({verdict.seconds:.0f} s)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
