import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.datastore.api import server
from local.datastore.api.server import Handle, serve
from local.datastore.storage import engine
from local.datastore.storage.engine import StorageEngine
from local.host.folder_lock import FolderInUse
from local.host.ports import PortTaken, answers, choose_port
from local.rpc.frames import PREFACE, build_frame
from tests.contract.wire import Unindexed, Wire


@pytest.fixture(scope="module")
def handle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    running = serve(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


def test_a_taken_port_is_one_clear_line(tmp_path: Path, handle: Handle) -> None:
    with pytest.raises(PortTaken, match=str(handle.port)):
        serve(tmp_path, handle.port)
    command = [sys.executable, "-m", "local.datastore", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--port", str(handle.port)], capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_has_one_server(tmp_path: Path) -> None:
    first = serve(tmp_path)
    with pytest.raises(FolderInUse, match=str(tmp_path)):
        serve(tmp_path)
    first.stop()
    serve(tmp_path).stop()


def test_versions_rise_over_a_restart(tmp_path: Path) -> None:
    versions: list[int] = []
    for _ in range(3):
        running = serve(tmp_path)
        with Wire(running.host, "n") as wire:
            versions.append(wire.put("K", 1, n=len(versions)).version)
        running.stop()
    assert versions == sorted(set(versions))


def test_the_port_answers_plain_http(tmp_path: Path) -> None:
    running = serve(tmp_path)
    with Wire(running.host, "n") as wire:
        wire.put("K", 1, n=1)
        with urllib.request.urlopen(f"http://{running.host}/") as page:
            assert page.status == 200
        with urllib.request.urlopen(f"http://{running.host}/reset", data=b"") as page:
            assert page.status == 200
        assert wire.get("K", 1) is None
        assert wire.names("K", order=["n"]) == []
        wire.put("K", 1, n=2)
        assert wire.names("K", order=["n"]) == [1]
    running.stop()


def test_large_messages_pass_both_ways(handle: Handle) -> None:
    with Wire(handle.host, "large") as wire:
        mutations = [
            wire.mutation("upsert", ("K", n), text=Unindexed(str(n) * 900_000))
            for n in range(1, 10)
        ]
        wire.commit(*mutations)
        for n in range(1, 10):
            assert wire.get("K", n) == {"text": str(n) * 900_000}


def test_requests_of_one_connection_do_not_wait_for_each_other(handle: Handle) -> None:
    with Wire(handle.host, "waiting") as wire, ThreadPoolExecutor(1) as pool:
        wire.put("K", 1, n=1)
        transaction = wire.begin()
        wire.get("K", 1, transaction=transaction)
        waiting = pool.submit(lambda: wire.put("K", 1, n=2))
        for _ in range(20):
            assert wire.get("K", 1) == {"n": 1}
        assert not waiting.done()
        wire.call("Rollback", transaction=transaction)
        waiting.result(20)
        assert wire.get("K", 1) == {"n": 2}


def test_an_unknown_method_and_a_broken_message_are_refused(handle: Handle) -> None:
    channel = grpc.insecure_channel(handle.host)
    unknown = channel.unary_unary("/google.datastore.v1.Datastore/Nothing", bytes, bytes)
    with pytest.raises(grpc.RpcError) as refused:
        unknown(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    lookup = channel.unary_unary("/google.datastore.v1.Datastore/Lookup", bytes, bytes)
    with pytest.raises(grpc.RpcError) as refused:
        lookup(b"\xff\xff")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    channel.close()


FRAMES = st.builds(
    build_frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 5]),
    st.binary(max_size=60),
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(st.binary(max_size=200), st.lists(FRAMES, max_size=6).map(b"".join)), st.booleans()
)
def test_random_bytes_do_not_break_the_server(handle: Handle, noise: bytes, greet: bool) -> None:
    with socket.create_connection(("127.0.0.1", handle.port)) as connection:
        connection.sendall((PREFACE if greet else b"") + noise)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
    with Wire(handle.host, "noise") as wire:
        assert wire.get("K", 1) is None


def test_housekeeping_continues_after_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "_CLEAR_EVERY", 0.01)
    full, pruned = [OSError("disk full"), OSError("disk full")], threading.Event()

    def prune_history(_engine: StorageEngine) -> None:
        if full:
            raise full.pop()
        pruned.set()

    monkeypatch.setattr(StorageEngine, "prune_history", prune_history)
    running = serve(tmp_path)
    assert pruned.wait(10)
    running.stop()
    assert caplog.text.count("prune_history failed; retrying in the next round") == 2


def test_it_is_healthy_only_if_its_storage_works(tmp_path: Path) -> None:
    running = serve(tmp_path)
    assert answers(running.port, "/", {200})
    running._engine.store._writer.close()
    assert answers(running.port, "/", {503})
    assert not answers(running.port, "/", {200})
    running.stop()


def test_it_is_not_healthy_before_its_indexes_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building, built = threading.Event(), threading.Event()

    def build(*_: object) -> None:
        building.set()
        assert built.wait(20)

    monkeypatch.setattr(engine, "build_composites", build)
    port = choose_port()
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(serve, tmp_path, port)
        assert building.wait(20)
        asked = pool.submit(answers, port, "/", {200})
        assert not asked.done()
        built.set()
        assert asked.result(20)
        starting.result().stop()
