"""Late, endless, broken and missing answers, and what calls do not share."""

import socket
import ssl
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import ConnectTimeoutError

from lib.saga.author_code.containment import Unstorable
from lib.saga.definition.context import Permanent, Retry, StepContext, Unknown
from lib.saga.remote import exchange as exchanging
from lib.saga.remote import internet
from lib.saga.remote.exchange import MAX_ANSWER
from lib.saga.remote.http_call import HttpCall
from tests.contract.remote.certificate import self_signed
from tests.contract.remote.service import Asked, Service, Write, answer, kind_of, outcome, running


def test_without_a_connection_nothing_happened(call: StepContext) -> None:
    with socket.socket() as bound:  # and not listening, so that it refuses
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Retry, match="ConnectionRefusedError"):
            HttpCall(f"http://127.0.0.1:{bound.getsockname()[1]}/charge")({}, call)


def test_without_an_address_nothing_happened(
    call: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown_host(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_host)
    with pytest.raises(Retry, match="gaierror"):
        HttpCall("http://payments.invalid/charge")({}, call)


def test_nothing_is_sent_to_a_service_with_a_bad_certificate(
    call: StepContext, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with running(context) as stranger:
        assert kind_of(stranger, call) is Retry
        assert stranger.asked == []


def test_after_the_deadline_nothing_is_sent(service: Service, call: StepContext) -> None:
    late = replace(call, deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert kind_of(service, late) is Retry
    assert service.asked == []


def test_a_service_that_outlasts_the_deadline_is_unknown(
    service: Service, call: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock is stopped, so that a busy machine cannot use up the time before the request.
    monkeypatch.setattr(exchanging, "now", lambda: call.deadline - timedelta(seconds=0.2))
    waited: list[bool] = []
    service.answer = lambda *_: waited.append(service.left.wait(30))
    assert kind_of(service, call) is Unknown
    assert len(service.asked) == 1
    assert waited == []
    service.left.set()


def test_a_slow_answer_ends_at_the_deadline(
    service: Service, call: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    dripped: list[int] = []

    def drip(write: Write, _: Asked) -> None:
        write(b"HTTP/1.1 200 x\r\nContent-Length: 60000\r\n\r\n")
        for each in range(60000):
            write(b" ")
            dripped.append(each)
            service.over.wait(0.005)

    def now() -> datetime:
        return call.deadline - timedelta(seconds=0 if len(dripped) > 3 else 30)

    monkeypatch.setattr(exchanging, "now", now)
    monkeypatch.setattr(internet, "now", now)
    service.answer = drip
    assert kind_of(service, call) is Unknown
    assert service.left.wait(30)


def test_an_answer_over_the_limit_is_unstorable(service: Service, call: StepContext) -> None:
    service.says(200, f'"{"x" * MAX_ANSWER}"')
    assert kind_of(service, call) is Unstorable


def test_an_answer_at_the_limit_is_the_output(service: Service, call: StepContext) -> None:
    service.says(200, f'"{"x" * (MAX_ANSWER - 2)}"')
    assert outcome(service, call) == "x" * (MAX_ANSWER - 2)


@pytest.mark.parametrize(("status", "kind"), [(200, Unstorable), (422, Permanent), (500, Unknown)])
def test_reading_an_endless_answer_stops_at_the_limit(
    service: Service, call: StepContext, status: int, kind: type[Exception]
) -> None:
    def pour(write: Write, _: Asked) -> None:
        write(f"HTTP/1.1 {status} x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        while True:
            write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")

    service.answer = pour
    assert kind_of(service, call) is kind
    assert service.left.wait(30)


def test_a_chunked_answer_is_read_completely(service: Service, call: StepContext) -> None:
    service.answer = lambda write, _: write(
        b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n3\r\n,2]\r\n0\r\n\r\n"
    )
    assert outcome(service, call) == [1, 2]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[1]\r\n0\r\n\r\n",
    ],
)
def test_a_broken_answer_is_unknown(service: Service, call: StepContext, garbage: bytes) -> None:
    def spew(write: Write, _: Asked) -> None:
        write(garbage)
        write(b"")  # and disconnect

    service.answer = spew
    assert kind_of(service, call) is Unknown
    assert len(service.asked) == 1


def test_a_call_made_in_an_except_block_has_its_own_cause(
    service: Service, call: StepContext
) -> None:
    service.answer = lambda write, _: write(b"")
    try:
        raise ConnectTimeoutError("another service's")
    except ConnectTimeoutError:
        assert kind_of(service, call) is Unknown


@pytest.mark.parametrize(("status", "kind"), [(422, Permanent), (429, Retry), (503, Unknown)])
def test_a_failure_counts_even_if_its_body_is_truncated(
    service: Service, call: StepContext, status: int, kind: type[Exception]
) -> None:
    def break_off(write: Write, _: Asked) -> None:
        write(f"HTTP/1.1 {status} x\r\nContent-Length: 100\r\n\r\n{{".encode())
        write(b"")

    service.answer = break_off
    assert kind_of(service, call) is kind


def test_calls_one_after_another_share_a_connection(service: Service, call: StepContext) -> None:
    service.says(200, "[1]")
    outcome(service, call)
    outcome(service, call)
    assert len({asked.connection for asked in service.asked}) == 1


def test_a_cookie_of_one_answer_is_not_sent_with_the_next_call(
    service: Service, call: StepContext
) -> None:
    service.says(200, Set_Cookie="session=1")
    outcome(service, call)
    outcome(service, call)
    assert not any("Cookie" in asked.headers for asked in service.asked)


def test_a_netrc_of_the_machine_is_not_sent(
    service: Service, call: StepContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    outcome(service, call)
    assert "Authorization" not in service.asked[0].headers


def test_the_request_asks_for_no_compression(service: Service, call: StepContext) -> None:
    outcome(service, call)
    assert service.asked[0].headers["Accept-Encoding"] == "identity"


def test_messages_name_the_service_without_its_query(call: StepContext) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/charge?key=sesame"
        with pytest.raises(Retry) as raised:
            HttpCall(url)({}, call)
    assert "sesame" not in str(raised.value)


def test_calls_at_the_same_time_each_get_their_own_answer(
    service: Service, call: StepContext
) -> None:
    service.answer = lambda write, asked: write(answer(200, asked.body.decode()))
    echoed: list[tuple[int, Any]] = []

    def ask(number: int) -> None:
        echo = HttpCall(f"{service.url}/echo", body=lambda *_: number)
        echoed.extend((number, echo({}, call)) for _ in range(10))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(echoed) == 80
    assert all(number == answered for number, answered in echoed)
