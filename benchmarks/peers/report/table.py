"""Results beside each other: a table in Markdown, each number with its ratio to the first row's."""

from typing import Any

Result = dict[str, Any]

_HEAD = (
    "| | in sequence, p50 ms | with a roll-back, p50 ms | {n} in flight, jobs/s "
    "| with a roll-back, jobs/s | memory, MiB | fsyncs a job | kill -9: last of {crash} after |"
)


def make_table(results: list[Result], in_flight: int, crash_jobs: int) -> str:
    """Return the table; ratios are to Amends' first row, in brackets."""
    head = _HEAD.format(n=in_flight, crash=crash_jobs)
    ours = next((each for each in results if each["name"].startswith("Amends")), {})
    rows = [_row(result, ours) for result in results]
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])


def _row(result: Result, ours: Result) -> str:
    cells = [
        _cell(result, ours, "sequence_a", "p50_ms"),
        _cell(result, ours, "sequence_b", "p50_ms"),
        _cell(result, ours, "at_once_a", "per_second"),
        _cell(result, ours, "at_once_b", "per_second"),
        _number(result.get("memory_mib")),
        _number(result.get("fsyncs")),
        _describe_crash(result.get("crash")),
    ]
    return f"| {result['name']} | {' | '.join(cells)} |"


def _cell(result: Result, ours: Result, load: str, what: str) -> str:
    value, base = result.get(load, {}).get(what), ours.get(load, {}).get(what)
    ratio = f" ({value / base:.2f})" if value and base and result is not ours else ""
    return _number(value) + ratio


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _describe_crash(crash: Result | None) -> str:
    if not crash:
        return "–"
    if crash["finished"] < crash["accepted"]:
        return f"{crash['finished']} of {crash['accepted']} finished"
    return f"{crash['last_after_s']} s"
