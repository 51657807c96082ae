from local.tasks.dispatch.bucket import TokenBucket


def take_all(bucket: TokenBucket, now: float) -> int:
    taken = 0
    while bucket.take(now):
        taken += 1
    return taken


def test_a_full_bucket_gives_exactly_its_burst() -> None:
    assert take_all(TokenBucket(rate=10, burst=25, now=0), now=0) == 25


def test_an_empty_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    bucket = TokenBucket(rate=10, burst=25, now=0)
    take_all(bucket, now=0)
    assert take_all(bucket, now=0.5) == 5
    assert take_all(bucket, now=100) == 25


def test_the_next_token_is_available_when_predicted() -> None:
    bucket = TokenBucket(rate=4, burst=1, now=0)
    assert bucket.next_token_at(now=0) == 0
    bucket.take(now=0)
    assert bucket.next_token_at(now=0) == 0.25
    assert not bucket.take(now=0.249)
    assert bucket.take(now=0.25)


def test_slowing_down_halves_the_rate_at_most_once_a_second() -> None:
    bucket = TokenBucket(rate=100, burst=100, now=0)
    for now in (10.0, 10.1, 10.9):
        bucket.slow_down(now)
    assert bucket.rate == 50
    bucket.slow_down(11.0)
    assert bucket.rate == 25


def test_a_slowed_bucket_never_stops_and_recovers_with_good_answers() -> None:
    bucket = TokenBucket(rate=8, burst=8, now=0)
    for second in range(1, 20):
        bucket.slow_down(float(second))
    assert bucket.rate == 1
    for _ in range(20):
        bucket.speed_up()
    assert bucket.rate == 8


def test_a_clock_that_steps_back_takes_no_tokens_away() -> None:
    bucket = TokenBucket(rate=1, burst=2, now=100)
    assert bucket.take(now=50)
    assert bucket.take(now=50)
