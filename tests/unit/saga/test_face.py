"""lib.saga exports everything that an author needs."""

import lib.saga


def test_one_import_has_all_that_an_author_needs() -> None:
    wanted = (
        "Saga Step Parallel Timer Signal Child HttpCall RetryPolicy StepContext Permanent Retry "
        "Unknown NotHappened Secret apply_once undo_once"
    )
    assert set(wanted.split()) <= set(lib.saga.__all__)
