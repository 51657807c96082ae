"""Renders the web page: the queues, their waiting tasks, and the last attempts."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

from local.scheduler.ticker import JobRun
from local.tasks.dispatch.attempt_log import AttemptLog, LoggedAttempt
from local.tasks.dispatch.delivery import is_of_app
from local.tasks.dispatch.dispatcher import Dispatcher
from local.tasks.dispatch.pending_tasks import PendingTasks
from local.tasks.storage.records import TaskRecord
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import METHODS, Queue
from local.tasks.v2.names import short_name

_TASKS_SHOWN = 20

_FRAME = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Cloud Tasks, local</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 76rem;
  padding: 0 1rem; color: #1f2328; background: #fff }}
h1 {{ font-size: 1.3rem }} h2 {{ font-size: 1.05rem; margin: 1.8rem 0 .3rem }}
p {{ margin: .2rem 0 .6rem; color: #57606a }}
form {{ display: inline }}
button {{ font: inherit; font-size: 12px; padding: 0 .5rem; margin-left: .3rem;
  white-space: nowrap }}
.scroll {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #d8dee4;
  vertical-align: top }}
th {{ font-weight: 600; color: #57606a; white-space: nowrap }}
td.name, td.url {{ font-family: ui-monospace, monospace; font-size: 12px; word-break: break-all }}
td.name {{ min-width: 7rem }} td.url {{ min-width: 17rem }}
td.number {{ font-variant-numeric: tabular-nums; white-space: nowrap }}
.bad {{ color: #b3261e }} .good {{ color: #176f2c }} .still {{ color: #8a5a00 }}
@media (prefers-color-scheme: dark) {{ body {{ background: #0d1117; color: #e6edf3 }}
  p, th {{ color: #9ba4ae }} th, td {{ border-color: #30363d }}
  .bad {{ color: #ff8f87 }} .good {{ color: #6cd58a }} .still {{ color: #e3b341 }} }}
</style>
<main>{body}</main>
<script>
setInterval(async () => {{
  if (document.hidden || String(getSelection())) return;
  const page = await fetch("/").then((answer) => answer.text()).catch(() => "");
  const main = new DOMParser().parseFromString(page, "text/html").querySelector("main");
  if (main) document.querySelector("main").replaceWith(main);
}}, 2000);
</script>
"""


class Overview:
    """Renders the page from the server's data."""

    def __init__(
        self, store: TaskStore, dispatcher: Dispatcher, attempts: AttemptLog, runs: Iterable[JobRun]
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._attempts = attempts
        self._runs = runs

    def draw(self, now: float) -> str:
        """Return the page in HTML; `now` is in epoch seconds."""
        parts = ["<h1>Cloud Tasks, local</h1>", "<p>All times are in UTC.</p>"]
        for queue in self._store.list_queues():
            pending = self._dispatcher.find_pending(queue.name)
            if pending is not None:
                parts += self._draw_queue(queue, pending, now)
        parts += ["<h2>Scheduler</h2>", _draw_runs(self._runs, now)]
        parts += ["<h2>Last attempts</h2>", _draw_attempts(self._attempts.list_latest(), now)]
        return _FRAME.format(body="\n".join(parts))

    def _draw_queue(self, queue: Any, pending: PendingTasks, now: float) -> list[str]:
        waiting = [
            _draw_task(record, due, now)
            for name, due in pending.list_next(_TASKS_SHOWN)
            if (record := self._store.find_task(name)) is not None
        ]
        if pending.waiting > _TASKS_SHOWN:
            waiting.append([f"{pending.waiting - _TASKS_SHOWN:,} more", "", "", "", "", ""])
        columns = ("task", "request", "due", "attempts", "last response", "action")
        return [
            f'<h2 title="{escape(queue.name)}">Queue {escape(short_name(queue.name))}',
            f"{_draw_buttons(queue, pending)}</h2>",
            f"<p>{_describe_queue(queue, pending)}</p>",
            _draw_table(
                f"Tasks of {short_name(queue.name)}", columns, waiting, "No tasks are waiting."
            ),
        ]


def _describe_queue(queue: Any, pending: PendingTasks) -> str:
    limits, retry = queue.rate_limits, queue.retry_config
    state, kind = Queue.State.Name(queue.state).lower(), "good" if pending.open else "still"
    if pending.bucket.rate < limits.max_dispatches_per_second:
        state += f", slowed to {pending.bucket.rate:.3g}/s by 429 or 503 responses"
        kind = "still"
    attempts = "any number of" if retry.max_attempts == -1 else f"at most {retry.max_attempts}"
    return (
        f"{_mark(state, kind)} · "
        f"{pending.waiting:,} waiting, {pending.running:,} in progress · "
        f"{limits.max_dispatches_per_second:g}/s, "
        f"{limits.max_concurrent_dispatches:,} concurrent · "
        f"{attempts} attempts, {_span(retry.min_backoff)} to {_span(retry.max_backoff)} apart"
    )


def _draw_buttons(queue: Any, pending: PendingTasks) -> str:
    verb = "pause" if pending.open else "resume"
    purge = _button("purge", f"{queue.name}:purge", "Delete every task of this queue?")
    return _button(verb, f"{queue.name}:{verb}") + (purge if pending.waiting else "")


def _draw_task(record: TaskRecord, due: float, now: float) -> list[str]:
    task = record.read_message()
    request = getattr(task, task.WhichOneof("message_type"))
    where = request.relative_uri if is_of_app(task) else request.url
    answer = _mark(record.previous_reason, "bad") if record.previous_reason else ""
    return [
        _cell("name", short_name(record.name)),
        _cell("url", f"{METHODS[request.http_method]} {where}"),
        _cell("number", _relative(due, now)),
        _cell("number", str(record.dispatches)),
        answer,
        _button("run now", f"{record.name}:run", about=short_name(record.name)),
    ]


def _draw_attempts(attempts: Iterable[LoggedAttempt], now: float) -> str:
    rows = [
        [
            _cell("number", _relative(attempt.begun, now)),
            _cell("name", "/".join(attempt.task.split("/")[-3::2])),
            _cell("number", str(attempt.number)),
            _cell("url", attempt.request),
            _mark(attempt.answer or "in progress", _rate(attempt)),
            _cell("number", f"{(attempt.ended or now) - attempt.begun:.3f} s"),
            escape(attempt.outcome),
        ]
        for attempt in attempts
    ]
    columns = ("when", "queue and task", "attempt", "request", "response", "took", "then")
    return _draw_table("Last attempts", columns, rows, "No dispatches since the server started.")


def _draw_runs(runs: Iterable[JobRun], now: float) -> str:
    rows = [
        [
            escape(run.job.name),
            _cell("name", f"{run.job.schedule} ({run.job.time_zone})"),
            _cell("url", f"{run.job.http_method} {run.job.url}"),
            _cell("number", _relative(run.due.timestamp(), now)),
            _cell("number", _relative(run.begun.timestamp(), now) if run.begun else "never"),
            _mark(run.answer or ("in progress" if run.begun else ""), _rate_run(run)),
        ]
        for run in runs
    ]
    columns = ("job", "schedule", "request", "due", "last attempt", "its response")
    return _draw_table("Scheduler", columns, rows, "There are no jobs.")


def _draw_table(title: str, columns: Iterable[str], rows: list[list[str]], otherwise: str) -> str:
    """Return a table that the keyboard can scroll; the cells are already HTML."""
    if not rows:
        return f"<p>{otherwise}</p>"
    head = "".join(f'<th scope="col">{column}' for column in columns)
    body = "\n".join(
        "<tr>" + "".join(cell if cell.startswith("<td") else f"<td>{cell}" for cell in row)
        for row in rows
    )
    region = f'role="region" aria-label="{escape(title)}" tabindex="0"'
    return f'<div class="scroll" {region}><table><tr>{head}\n{body}</table></div>'


def _cell(kind: str, text: str) -> str:
    return f'<td class="{kind}">{escape(text)}'


def _button(label: str, target: str, question: str = "", about: str = "") -> str:
    asked = f" onsubmit=\"return confirm('{question}')\"" if question else ""
    button = f'<button aria-label="{label}: {escape(about)}">' if about else "<button>"
    action = f'action="/v2/{escape(target)}"'
    return f'<form method="post" {action}{asked}>{button}{label}</button></form>'


def _mark(text: str, kind: str) -> str:
    return f'<span class="{kind}">{escape(text)}</span>'


def _rate(attempt: LoggedAttempt) -> str:
    if not attempt.ended:
        return "still"
    return "good" if attempt.answer.startswith("HTTP 2") else "bad"


def _rate_run(run: JobRun) -> str:
    if not run.answer:
        return "still"
    return "good" if run.answer.startswith("HTTP 2") else "bad"


def _relative(moment: float, now: float) -> str:
    clock = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
    seconds = moment - now
    if abs(seconds) >= 86400:
        return clock
    apart = f"in {seconds:.0f} s" if seconds > 0 else f"{-seconds:.0f} s ago"
    return f"{clock.partition(' ')[2]} ({apart})"


def _span(duration: Any) -> str:
    return f"{duration.ToTimedelta().total_seconds():g} s"
