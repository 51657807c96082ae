"""One JSON line per event: what it has, and what it never has."""

import re
import threading

import flask
import pytest

from functions.edge import endpoint
from lib.observability.logs import annotate, log
from tests.support.edge import PARENT, TRACE, call, greet_person, read_lines

TRACE_FIELD = "logging.googleapis.com/trace"
SPAN_FIELD = "logging.googleapis.com/spanId"


def test_a_request_is_one_line_with_its_function_method_status_and_duration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(greet_person, "ann")
    line = read_lines(capsys)[-1]
    assert (line["message"], line["severity"]) == ("request", "INFO")
    assert (line["function"], line["method"], line["status"]) == ("greet-person", "POST", 200)
    assert line["duration_ms"] >= 0


def test_every_line_of_a_request_has_its_function_and_what_was_annotated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(greet_person, "ann")
    lines = read_lines(capsys)
    assert [line["message"] for line in lines] == ["greeting", "request"]
    assert {(line["function"], line["saga"]) for line in lines} == {("greet-person", "s1")}


def test_annotations_end_with_their_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @endpoint("POST")
    def say_nothing(name: str) -> dict[str, str]:
        """Answer."""
        return {"name": name}

    call(greet_person, "ann")
    call(say_nothing, "ann")
    assert "saga" not in read_lines(capsys)[-1]


def test_the_callers_trace_is_continued(capsys: pytest.CaptureFixture[str]) -> None:
    call(greet_person, "ann", traceparent=PARENT)
    for line in read_lines(capsys):
        assert line[TRACE_FIELD] == f"projects/amends-local/traces/{TRACE}"
        assert line[SPAN_FIELD] == "00f067aa0ba902b7"


@pytest.mark.parametrize("header", ["", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "x\n" + PARENT])
def test_without_a_callers_trace_a_new_one_begins(
    header: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        context = flask.Flask("test").test_request_context("/?name=ann", method="POST")
        with context:
            flask.request.environ["HTTP_TRACEPARENT"] = header
            greet_person(flask.request)
    traces = [line[TRACE_FIELD] for line in read_lines(capsys)]
    assert traces[0] == traces[1] != traces[2] == traces[3]
    assert all(re.fullmatch(r"projects/amends-local/traces/[0-9a-f]{32}", each) for each in traces)


def test_a_refusal_is_a_line_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    call(greet_person, "nobody")
    assert read_lines(capsys)[-1]["status"] == 404


def test_an_unexpected_error_is_logged_with_its_place_and_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = call(greet_person, "bad-ann@example.com", traceparent=PARENT)
    assert answer.status_code == 500
    _, error, request = read_lines(capsys)
    assert (error["severity"], error["error"]) == ("ERROR", "ValueError")
    assert "in greet_person" in error["stack"]
    assert "KeyError\nand then\n" in error["stack"]
    assert error[TRACE_FIELD].endswith(TRACE)
    assert (request["severity"], request["status"]) == ("WARNING", 500)
    assert "ann@example.com" not in f"{error}{request}"


def test_a_thread_of_a_request_logs_as_that_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import contextvars

    @endpoint("POST")
    def start_thread(name: str) -> dict[str, str]:
        """Log from a thread, as a step's action does."""
        annotate(saga=name)
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(log, "INFO", "from a thread"))
        thread.start()
        thread.join()
        return {}

    call(start_thread, "s9", traceparent=PARENT)
    line = read_lines(capsys)[0]
    assert (line["message"], line["saga"]) == ("from a thread", "s9")
    assert line[TRACE_FIELD].endswith(TRACE)


def test_a_given_field_overrides_the_requests_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @endpoint("POST")
    def speak_of_another(name: str) -> dict[str, str]:
        """Log about a saga that is not this request's."""
        annotate(saga=name)
        log("INFO", "another", saga="other")
        return {}

    call(speak_of_another, "mine")
    assert [line["saga"] for line in read_lines(capsys)] == ["other", "mine"]
