"""The connection: made on first use, one per process, addressed to its database."""

from typing import Any

import google.auth
import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from lib.datastore import Store, connect, key
from lib.datastore.v1.messages import message
from lib.errors import Unavailable
from tests.unit.datastore.models import TaskList


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts of the channels that were opened without TLS."""
    hosts: list[str] = []
    plain = grpc.insecure_channel

    def open_channel(host: str, **options: Any) -> grpc.Channel:
        hosts.append(host)
        return plain(host, **options)

    monkeypatch.setattr(grpc, "insecure_channel", open_channel)
    return hosts


def look_up(store: Store) -> None:
    with pytest.raises(Unavailable, match=r"UNAVAILABLE|Unavailable"):
        store.find(key(TaskList, "a"))


def test_a_channel_is_opened_by_the_first_call_and_kept(opened: list[str]) -> None:
    store = Store(connect("p", emulator_host="127.0.0.1:1"), sleep=lambda _: None)
    assert opened == []
    look_up(store)
    look_up(store)
    assert opened == ["127.0.0.1:1"]
    store.close()


def test_a_forked_process_and_a_closed_connection_open_a_new_one(
    opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(connect("p", emulator_host="127.0.0.1:1"), sleep=lambda _: None)
    look_up(store)
    monkeypatch.setattr("os.getpid", lambda: -1)
    look_up(store)
    store.close()
    look_up(store)
    assert len(opened) == 3
    store.close()


def test_without_an_emulator_the_credentials_are_the_default_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def find_credentials(**options: Any) -> tuple[AnonymousCredentials, str]:
        asked.append(options.get("scopes") or options.get("default_scopes"))
        return AnonymousCredentials(), "p"  # type: ignore[no-untyped-call]

    monkeypatch.setattr(google.auth, "default", find_credentials)
    connection = connect("p")
    assert asked == []
    with pytest.raises(grpc.RpcError, match=r"DEADLINE_EXCEEDED|UNAVAILABLE"):
        connection.call("Lookup", message("LookupRequest")(project_id="p"), timeout=0.01)
    assert len(asked) == 1
    assert "https://www.googleapis.com/auth/datastore" in asked[0]
    connection.close()


def test_requests_are_routed_by_project_and_database(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Channel:
        def unary_unary(self, path: str, **_: Any) -> Any:
            return lambda request, timeout, metadata: sent.append((path, metadata))

    connection = connect("example.com:p", database="d b", emulator_host="x")
    monkeypatch.setattr(connection, "_open", Channel)
    connection.call("Lookup", None, 1.0)
    routing = ("x-goog-request-params", "project_id=example.com%3Ap&database_id=d+b")
    assert sent == [("/google.datastore.v1.Datastore/Lookup", (routing,))]


def test_without_credentials_a_connection_is_unavailable_and_the_log_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise DefaultCredentialsError("Not found.")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", refuse)
    connection = connect("p")
    for _ in range(2):
        with pytest.raises(Unavailable, match="set DATASTORE_EMULATOR") as caught:
            connection.call("Lookup", None, 1.0)
        assert caught.value.detail == "Datastore cannot be reached"
