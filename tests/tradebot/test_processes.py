"""Real, small processes under supervision: started, buried, started again, ended with all they forked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tradebot.supervisor.crew import Crew, Failed
from tradebot.supervisor.files import write_private_json
from tradebot.supervisor.lock import InUse, hold_data_dir, holder_of
from tradebot.supervisor.ports import free_port, is_free, kept_port, owner_of
from tradebot.supervisor.processes import Service, creation_time
from tradebot.supervisor.records import end_leftovers, note_own_processes, same_process

PATIENCE_SECONDS = 20
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
# A parent that will not stop when asked, and its child.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def service(name: str, command: tuple[str, ...], answers: Callable[[], bool] = lambda: True) -> Service:
    return Service(name=name, command=command, environment={}, answers=answers)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path, lambda: None)
    yield crew
    crew.stop()


def go_on() -> None:
    return None


def test_a_killed_process_is_started_again(crew: Crew) -> None:
    crew.wait_for(crew.launch([service("worker", SLEEP)]), check_go_on=go_on)
    child = crew.children[0]
    first = child.pid
    assert first is not None
    psutil.Process(first).kill()

    def has_successor() -> bool:
        crew.watch()
        return child.pid not in {None, first} and child.is_ready

    wait_until(has_successor)
    assert [child.service.name for child in crew.children] == ["worker"]


def test_a_process_that_dies_five_times_in_a_minute_is_given_up(crew: Crew) -> None:
    def never() -> bool:
        return False

    broken = service("beat", (sys.executable, "-c", "import sys; sys.exit('no schedule')"), never)
    with pytest.raises(Failed, match="beat died five times within a minute") as given_up:
        crew.wait_for(crew.launch([broken]), check_go_on=go_on)
    assert str(given_up.value).count("no schedule") == 5


def test_stopping_ends_what_ignores_it_and_what_it_forked(crew: Crew, tmp_path: Path) -> None:
    note = tmp_path / "child"
    crew.wait_for(
        crew.launch([service("worker", (sys.executable, "-c", STUBBORN, str(note)))]), check_go_on=go_on
    )
    wait_until(lambda: note.exists() and note.read_text() != "")
    started = time.monotonic()
    crew.stop()
    assert time.monotonic() - started < 10
    wait_until(lambda: is_gone(int(note.read_text())))


def test_an_orphan_is_signalled_by_the_kernel(tmp_path: Path) -> None:
    """The parent is killed; its child, started as a service is, goes with it."""
    note = tmp_path / "child"
    code = f"""
import sys, time
from pathlib import Path
from tradebot.supervisor.crew import Crew
from tradebot.supervisor.processes import Service
crew = Crew(Path({str(tmp_path)!r}), lambda: None)
sleep = (sys.executable, "-c", "import time; time.sleep(600)")
service = Service(name="web", command=sleep, environment={{}}, answers=lambda: True)
crew.wait_for(crew.launch([service]), check_go_on=lambda: None)
Path({str(note)!r}).write_text(str(crew.children[0].pid))
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: note.exists() and note.read_text() != "")
    parent.kill()
    parent.wait()
    if sys.platform == "linux":
        wait_until(lambda: is_gone(int(note.read_text())))


def test_a_successor_ends_what_was_noted_and_nothing_else(tmp_path: Path) -> None:
    left, other = (subprocess.Popen(SLEEP, start_new_session=True) for _ in range(2))
    noted = [
        {"name": "worker", "pid": left.pid, "created": creation_time(left.pid)},
        # The pid has a new owner since: another creation time.
        {"name": "web", "pid": other.pid, "created": creation_time(other.pid) - 3600},
    ]
    write_private_json(tmp_path / "supervisor.json", noted)
    try:
        assert end_leftovers(tmp_path) == ["worker"]
        assert is_gone(left.pid)
        left.wait()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_what_is_noted_names_the_running_children(crew: Crew, tmp_path: Path) -> None:
    crew.wait_for(crew.launch([service("web", SLEEP)]), check_go_on=go_on)
    note_own_processes(tmp_path, crew.children)
    child = crew.children[0]
    assert child.pid is not None
    assert same_process(child.pid, child.created) is not None
    crew.stop()
    assert end_leftovers(tmp_path) == []


def test_a_data_dir_is_free_before_and_after(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    with hold_data_dir(tmp_path):
        assert holder_of(tmp_path) == os.getpid()
    assert holder_of(tmp_path) is None


def test_a_second_holder_is_told_the_first_ones_pid(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from tradebot.supervisor.lock import hold_data_dir
with hold_data_dir(Path({str(tmp_path)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        assert holder_of(tmp_path) == first.pid
        with pytest.raises(InUse, match=f"pid {first.pid}"), hold_data_dir(tmp_path):
            pytest.fail("held twice")
        first.kill()
        first.wait()
    with hold_data_dir(tmp_path):
        assert (tmp_path / "lock").read_text() != str(first.pid)


def test_a_kept_port_is_used_again_unless_somebody_took_it() -> None:
    port = free_port()
    assert kept_port(port) == port
    code = f"""
import socket, sys
server = socket.create_server(("127.0.0.1", {port}))
print("listening", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"listening\n"
        assert is_free("127.0.0.1", port) is False
        assert kept_port(port) != port
        assert owner_of(port).endswith(f"(pid {server.pid})")
        server.kill()
