"""What each answer of a service means for a saga: the table of http_call.py, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from lib.saga.author_code.containment import Unstorable
from lib.saga.definition.context import NotHappened, Permanent, Retry, StepContext, Unknown
from lib.saga.definition.phase import Phase
from lib.saga.remote.answer import MAX_DETAIL, MAX_WAIT
from tests.contract.remote.service import Service, kind_of, outcome

JSON = "application/json"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_json_in_a_2xx_is_the_output(service: Service, call: StepContext, status: int) -> None:
    service.says(status, '{"charge_id": "c1", "cents": [1, 2.5, null]}')
    assert outcome(service, call) == {"charge_id": "c1", "cents": [1, 2.5, None]}


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_2xx_is_done_without_output(
    service: Service, call: StepContext, status: int
) -> None:
    service.says(status)
    assert outcome(service, call) is None


@pytest.mark.parametrize("body", ["<html>", "OK", '{"a": 1', '{"a": NaN}', "[" * 5000])
def test_a_2xx_that_is_not_json_is_unstorable(
    service: Service, call: StepContext, body: str
) -> None:
    service.says(200, body)
    assert kind_of(service, call) is Unstorable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Permanent) for status in (301, 307, 308)),
        *((status, Unstorable) for status in (300, 302, 303, 304)),
        *((status, Retry) for status in (401, 403, 425, 429)),
        *(
            (status, Permanent)
            for status in (400, 402, 404, 405, 410, 411, 412, 413, 415, 421, 422)
        ),
        *((status, Unknown) for status in (408, 409, 499)),
        *((status, Unknown) for status in (500, 501, 502, 503, 504, 520, 599, 600, 999)),
    ],
)
def test_each_other_status_is_a_kind_of_failure(
    service: Service, call: StepContext, status: int, kind: type[Exception]
) -> None:
    service.says(status)
    assert kind_of(service, call) is kind


def test_a_410_to_a_status_question_is_not_happened(service: Service, call: StepContext) -> None:
    service.says(410, "<html>", Content_Type="text/html")
    assert kind_of(service, replace(call, phase=Phase.STATUS)) is NotHappened
    assert kind_of(service, call) is Permanent


@pytest.mark.parametrize("content_type", [JSON, PROBLEM, "text/html"])
def test_a_404_to_a_status_question_is_unknown(
    service: Service, call: StepContext, content_type: str
) -> None:
    service.says(404, "{}", Content_Type=content_type)
    assert kind_of(service, replace(call, phase=Phase.STATUS)) is Unknown
    assert kind_of(service, call) is Permanent


def test_a_refused_status_question_leaves_the_outcome_unknown(
    service: Service, call: StepContext
) -> None:
    service.says(422, "{}", Content_Type=PROBLEM)
    assert kind_of(service, replace(call, phase=Phase.STATUS)) is Permanent


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Retry), (425, Retry), (503, Unknown), (409, Unknown)]
)
def test_a_retry_after_sets_the_pause(
    service: Service, call: StepContext, status: int, kind: type[Retry | Unknown]
) -> None:
    service.says(status, Retry_After="120")
    problem = outcome(service, call)
    assert type(problem) is kind
    assert problem.after == timedelta(minutes=2)


def test_a_retry_after_may_be_a_date(service: Service, call: StepContext) -> None:
    at = datetime.now(UTC) + timedelta(minutes=30)
    service.says(503, Retry_After=format_datetime(at, usegmt=True))
    assert timedelta(minutes=15) < outcome(service, call).after <= timedelta(minutes=30)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("0", timedelta(0)),
        ("9" * 400, MAX_WAIT),
        ("Mon, 01 Jan 2001 00:00:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
        *((odd, None) for odd in ("", "soon", "-1", "1.5", "²", "Mon, 99 Foo 2026")),
    ],
)
def test_a_malformed_retry_after_is_ignored(
    service: Service, call: StepContext, header: str, after: timedelta | None
) -> None:
    service.answer = lambda write, _: write(
        f"HTTP/1.1 503 x\r\nContent-Length: 0\r\nRetry-After: {header}\r\n\r\n".encode("latin-1")
    )
    assert outcome(service, call).after == after


def test_the_reason_is_the_detail_of_a_problem(service: Service, call: StepContext) -> None:
    service.says(422, '{"detail": "card\\n declined"}', Content_Type=PROBLEM)
    assert str(outcome(service, call)) == f"{service.url}/charge answered 422: card  declined"


@pytest.mark.parametrize(
    "body", ["", "no", "[1]", '{"detail": 5}', f'{{"detail": "{"x" * (MAX_DETAIL + 1)}"}}']
)
def test_without_a_fitting_detail_the_reason_is_the_status(
    service: Service, call: StepContext, body: str
) -> None:
    service.says(422, body, Content_Type=PROBLEM)
    assert str(outcome(service, call)) == f"{service.url}/charge answered 422"


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_denies_access_causes_an_alert(
    service: Service, call: StepContext, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    service.says(status)
    outcome(service, call)
    line = msgspec.json.decode(capsys.readouterr().out)
    assert (line["severity"], line["alert"]) == ("ERROR", "http-step-refused")
    assert (line["saga"], line["step"], line["status"]) == ("s1", "charge", status)


def test_a_redirect_is_not_followed(service: Service, call: StepContext) -> None:
    service.says(308, Location=f"{service.url}/elsewhere")
    assert "redirect" in str(outcome(service, call))
    assert [asked.path for asked in service.asked] == ["/charge"]


def test_the_body_of_a_compensations_answer_is_ignored(service: Service, call: StepContext) -> None:
    service.says(200, "made good")
    assert outcome(service, replace(call, phase=Phase.COMPENSATE)) is None


def test_a_404_to_a_compensation_is_not_success(service: Service, call: StepContext) -> None:
    service.says(404, "{}", Content_Type=JSON)
    problem = outcome(service, replace(call, phase=Phase.COMPENSATE))
    assert isinstance(problem, Permanent)
