import shutil

import pytest

from tests.contract.conftest import need_emulators
from tests.support.absences import do_without, may_lack


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for name in ("CI", "AMENDS_TESTS_WITHOUT"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_emulators_contract_tests_are_skipped(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="classic needs gcloud and java"):
        need_emulators("classic")


def test_without_emulators_contract_tests_fail_in_ci(
    bare: pytest.MonkeyPatch,
) -> None:
    bare.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="set AMENDS_TESTS_WITHOUT=emulators"):
        need_emulators("classic")


def test_a_ci_may_declare_that_it_has_no_emulators(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("CI", "true")
    bare.setenv("AMENDS_TESTS_WITHOUT", "emulators, node")
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        need_emulators("fsd")
    assert may_lack("node")
    with pytest.raises(pytest.fail.Exception, match="no gcloud"):
        do_without("gcloud", "no gcloud")
