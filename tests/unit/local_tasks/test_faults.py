from local.tasks.dispatch.faults import MAX_DELAY, MAX_DUPLICATE_LAG, Faults

NAMES = [f"task-{number}" for number in range(2000)]


def test_without_rates_nothing_happens() -> None:
    faults = Faults(seed=7)
    for name in NAMES[:50]:
        assert faults.duplicate_lag(name, 1) is None
        assert not faults.drops(name, 1)
        assert faults.hold_of(name, 1) == 0
        assert faults.delay_of(name, 1) == 0


def test_a_fault_happens_at_about_its_rate() -> None:
    faults = Faults(duplicate=0.05, seed=7)
    struck = sum(faults.duplicate_lag(name, 1) is not None for name in NAMES)
    assert 60 < struck < 140


def test_faults_depend_only_on_the_seed() -> None:
    def struck(seed: int) -> set[str]:
        return {name for name in NAMES if Faults(drop=0.1, seed=seed).drops(name, 1)}

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_delays_stay_below_their_limit() -> None:
    faults = Faults(delay=1.0, duplicate=1.0)
    assert all(0 < faults.delay_of(name, 1) <= MAX_DELAY for name in NAMES)
    lags = [faults.duplicate_lag(name, 1) for name in NAMES]
    assert all(lag is not None and 0 < lag <= MAX_DUPLICATE_LAG for lag in lags)
