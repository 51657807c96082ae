"""The stack as a library, which tests and the demo use."""

import json
import os
import time
import urllib.request
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.error import URLError

import pytest
from google.cloud import tasks_v2

from local.host.folder_lock import FolderInUse
from local.host.ports import PortTaken, choose_port
from local.stack import StackFailed
from local.stack.supervisor import PROJECT
from local.tasks.resources.queues_file import read_queues
from tests.stack.conftest import STAND_IN, Stacks, is_alive, is_dead, kill, read_server
from tests.support.wait import wait_until
from tests.support.worker import LOCATION, QUEUE, connect


def test_sagas_are_spread_over_as_many_queues_as_asked(stacks: Stacks) -> None:
    with stacks.make(queue_copies=3) as stack:
        env = read_server(stack.url)["env"]
        names = env["AMENDS_QUEUES"].split(",")
        assert names == ["sagas", "sagas-2", "sagas-3"]
        for name in names:
            connect(env["AMENDS_TASKS_HOST"]).get_queue(name=f"{LOCATION}/queues/{name}")


def test_the_functions_get_all_addresses(stacks: Stacks) -> None:
    with stacks.make(env={"MINE": "kept"}) as stack:
        env = read_server(stack.url)["env"]
        assert set(stack.pids) == {"datastore", "tasks", "worker", "functions"}
        connect(env["AMENDS_TASKS_HOST"]).get_queue(name=QUEUE)
    assert env["DATASTORE_EMULATOR_HOST"] == stack.datastore_host
    assert env["AMENDS_BASE_URL"] == stack.url
    assert env["AMENDS_WORKER_URL"] == stack.plan.worker_url
    assert env["GOOGLE_CLOUD_PROJECT"] == stack.project
    assert env["MINE"] == "kept"


def test_every_queue_of_the_file_exists_with_its_settings(stacks: Stacks) -> None:
    declared = read_queues(PROJECT / "queues.yaml", LOCATION)
    with stacks.make() as stack:
        client = connect(stack.tasks_host)
        for queue in declared:
            assert tasks_v2.Queue.pb(client.get_queue(name=queue.name)) == queue
        with urllib.request.urlopen(stack.tasks_page) as page:
            shown = page.read().decode()
    assert all(f"Queue {queue.name.rpartition('/')[2]}" in shown for queue in declared)


def test_an_existing_datastore_is_used(stacks: Stacks) -> None:
    with stacks.make(env={"DATASTORE_EMULATOR_HOST": "127.0.0.1:9"}) as stack:
        assert set(stack.pids) == {"tasks", "worker", "functions"}
        assert read_server(stack.url)["env"]["DATASTORE_EMULATOR_HOST"] == "127.0.0.1:9"


def test_a_killed_process_is_restarted_on_its_port(stacks: Stacks) -> None:
    with stacks.make() as stack:
        before = stack.pids
        worker = read_server(stack.url)["pid"]
        for part in ("functions", "tasks", "worker"):
            stack.kill(part)
        stack.wait_until_ready()
        connect(stack.tasks_host).get_queue(name=QUEUE)
        assert read_server(stack.url)["pid"] != worker
        assert not is_alive(worker)
        assert not set(stack.pids.values()) & set(before.values())
    assert sorted(stacks.reports) == [
        "functions was killed by signal 9; restarting it",
        "tasks was killed by signal 9; restarting it",
        "worker was killed by signal 9; restarting it",
    ]


def test_requests_wait_for_a_restarting_service(
    stacks: Stacks,
) -> None:
    with stacks.make() as stack:
        for url, part in ((stack.url, "functions"), (stack.plan.worker_url, "worker")):
            before = stack.pids[part]
            stack.kill(part)
            wait_until(partial(is_dead, before))
            assert read_server(url)["parent"] == stack.pids[part] != before


def test_callers_are_served_by_two_processes_and_steps_by_one(stacks: Stacks) -> None:
    with stacks.make() as stack:
        env = read_server(stack.url)["env"]
        assert env["WORKERS"] == str(min(2, os.cpu_count() or 1))
        assert "WORKERS" not in read_server(stack.plan.worker_url)["env"]


def test_a_service_that_cannot_start_refuses_requests(stacks: Stacks, source: Path) -> None:
    source.write_text("raise SystemExit(3)")
    stack = stacks.make()
    stack.start()
    wait_until(lambda: any(each.startswith("functions ended") for each in stacks.reports))
    with pytest.raises(URLError, match="refused"):
        read_server(stack.url)


def test_forked_processes_do_not_outlive_their_server(stacks: Stacks) -> None:
    with stacks.make() as stack:
        for url, part in ((stack.url, "functions"), (stack.plan.worker_url, "worker")):
            forked = read_server(url)["pid"]
            kill(stack.pids[part])
            wait_until(partial(is_dead, forked))


def test_endless_steps_block_no_caller_and_no_sweep(stacks: Stacks, tmp_path: Path) -> None:
    with stacks.make(sweep_every=timedelta(seconds=1)) as stack:
        client = connect(stack.tasks_host)
        for _ in range(100):
            task = {"http_request": {"url": f"{stack.plan.worker_url}/hang"}}
            client.create_task(parent=QUEUE, task=task)
        wait_until(lambda: all(task.dispatch_count for task in client.list_tasks(parent=QUEUE)))
        assert {read_server(stack.url)["env"]["AMENDS_BASE_URL"] for _ in range(5)} == {stack.url}
        (tmp_path / "sweeps").unlink(missing_ok=True)
        wait_until(lambda: (tmp_path / "sweeps").exists())


def test_tasks_go_to_the_workers_own_address(stacks: Stacks, tmp_path: Path) -> None:
    with stacks.make(sweep_every=timedelta(seconds=1)) as stack:
        env = read_server(stack.plan.worker_url)["env"]
        assert env["AMENDS_BASE_URL"] == env["AMENDS_WORKER_URL"] == stack.plan.worker_url
        assert env["AMENDS_BASE_URL"] != stack.url
        wait_until(lambda: (tmp_path / "sweeps").exists())
    sweep = json.loads((tmp_path / "sweeps").read_text().splitlines()[0])
    assert sweep["Host"] == stack.plan.worker_url.removeprefix("http://")


def test_the_worker_keeps_its_address_between_runs(stacks: Stacks) -> None:
    with stacks.make() as first:
        pass
    second = stacks.make(port=choose_port())
    assert second.plan.worker_port == first.plan.worker_port
    with second:
        assert stacks.make().plan.worker_port != first.plan.worker_port


def test_nothing_runs_after_the_end_even_if_a_request_hangs(stacks: Stacks) -> None:
    with stacks.make() as stack:
        pids = {*stack.pids.values(), read_server(stack.url)["pid"]}
        task = {"http_request": {"url": f"{stack.plan.worker_url}/hang"}}
        name = connect(stack.tasks_host).create_task(parent=QUEUE, task=task).name
        wait_until(lambda: connect(stack.tasks_host).get_task(name=name).dispatch_count == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not [pid for pid in pids if is_alive(pid)]


def test_two_stacks_do_not_interfere(stacks: Stacks) -> None:
    with stacks.make("one") as one, stacks.make("two") as two:
        task = {"name": f"{QUEUE}/tasks/same", "http_request": {"url": "http://127.0.0.1:9/"}}
        for stack in (one, two):
            connect(stack.tasks_host).create_task(parent=QUEUE, task=task)
        assert not set(one.pids.values()) & set(two.pids.values())


def test_a_folder_in_use_and_a_taken_port_are_refused_before_anything_starts(
    stacks: Stacks,
) -> None:
    with stacks.make() as stack:
        with pytest.raises(FolderInUse, match="in use by another stack"):
            stacks.make().start()
        port = stack.plan.port
        with pytest.raises(PortTaken, match=f"port {port} is taken"):
            stacks.make("other", port=port).start()
        assert read_server(stack.url)


def test_a_process_that_cannot_start_is_reported_and_not_restarted_forever(
    stacks: Stacks, source: Path
) -> None:
    source.write_text("import nothing_of_that_name")
    stack = stacks.make()
    stack.start()
    wait_until(lambda: len(stacks.reports) == 4)
    assert all("nothing_of_that_name" in report for report in stacks.reports)
    for part in ("functions", "worker"):
        matching = [report for report in stacks.reports if report.startswith(part)]
        assert [pause for pause in ("in 0.5 s", "in 1 s") if pause in "".join(matching)] != []
        assert all("before it was ready; next attempt in" in report for report in matching)
    assert sum("Traceback" in report for report in stacks.reports) == 1
    with pytest.raises(StackFailed, match="No module named 'nothing_of_that_name'"):
        stack.wait_until_ready(timedelta())
    source.write_text(STAND_IN)
    stack.wait_until_ready()
    assert read_server(stack.url)["pid"]


def test_the_sweep_is_called_by_the_clock(stacks: Stacks, tmp_path: Path) -> None:
    with stacks.make(sweep_every=timedelta(seconds=1)):
        wait_until(lambda: (tmp_path / "sweeps").exists())
    assert "Bearer " in (tmp_path / "sweeps").read_text()
