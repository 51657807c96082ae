"""Server errors: the reason is in the log, with the trace that the caller gets."""

import grpc
import pytest

from functions.edge import endpoint
from lib.datastore.rpc.grpc_status import to_error
from lib.errors import AmendsError, Contention, DeadlineExceeded, NotBegun, Unavailable
from tests.support.edge import PARENT, TRACE, call, read_lines

ENTRY = "no matching index found. recommended index is:\n- kind: Task\n  properties: ..."


class Refusal(Exception):
    """The part of a gRPC error that the code reads."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


def fail_with(problem: AmendsError) -> object:
    @endpoint("POST")
    def fail(name: str) -> None:
        """Fail."""
        raise problem

    return call(fail, "ann", traceparent=PARENT)


@pytest.mark.parametrize(
    ("kind", "status", "severity"),
    [
        (AmendsError, 500, "ERROR"),
        (Unavailable, 503, "WARNING"),
        (Contention, 503, "WARNING"),
        (DeadlineExceeded, 504, "WARNING"),
        (NotBegun, 429, "WARNING"),
    ],
)
def test_a_server_error_is_logged_with_its_reason_place_and_trace(
    kind: type[AmendsError], status: int, severity: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = fail_with(kind("the Datastore is away", internal="at 10.0.0.7"))
    assert answer.status_code == status  # type: ignore[attr-defined]
    line, request = read_lines(capsys)
    assert line["severity"] == severity
    assert line["message"] == f"answered {status}: the Datastore is away: at 10.0.0.7"
    assert line["error"] == kind.code
    assert "in fail" in line["stack"]
    assert line["logging.googleapis.com/trace"].endswith(TRACE)
    assert request["status"] == status


def test_the_caller_gets_the_trace_and_nothing_internal() -> None:
    answer = fail_with(Unavailable("the Datastore is away", internal="at 10.0.0.7"))
    body = answer.get_json()  # type: ignore[attr-defined]
    assert (body["trace"], body["detail"]) == (TRACE, "the Datastore is away")
    assert "10.0.0.7" not in str(body)


@pytest.mark.parametrize("method", ["RunQuery", "RunAggregationQuery"])
def test_a_missing_index_has_its_own_code_and_its_entry_only_in_the_log(
    method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, ENTRY)
    body = fail_with(to_error(refusal, method)).get_json()  # type: ignore[attr-defined]
    assert (body["status"], body["code"]) == (500, "missing-index")
    assert "kind" not in body["detail"]
    line = read_lines(capsys)[0]
    assert line["severity"] == "ERROR"
    assert ENTRY in line["message"]


def test_an_unavailable_service_is_not_described_to_callers() -> None:
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, "failed to connect to ipv4:10.0.0.7:443")
    problem = to_error(refusal, "Lookup")
    assert problem.detail == "Datastore Lookup: UNAVAILABLE"
    assert "10.0.0.7" in str(problem)
