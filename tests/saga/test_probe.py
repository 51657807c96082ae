"""The saga that tests new revisions in a deployment."""

from lib.saga.operators.probe import DEPLOYMENT_PROBE, Probe
from lib.saga.testing import explore


def test_the_probe_ends_whatever_fails() -> None:
    explore(DEPLOYMENT_PROBE, Probe(), lambda _: True)
