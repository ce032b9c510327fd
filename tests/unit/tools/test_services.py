"""Daemons through their pid files: start, readiness, failure, stop, with small real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import is_alive
from pyganeti.tools import daemon_util, services
from pyganeti.tools.layout import ensure_directories
from pyganeti.tools.pidfile import is_held, read_pid, running_pid

# What a daemon does: lock the pid file, get ready, write it, end on SIGTERM.
DAEMON = f"""#!{sys.executable}
import fcntl, os, signal, sys, time
print("daemon says", *sys.argv[1:], flush=True)
if "fail" in sys.argv:
    sys.exit("it broke")
if "elsewhere" in sys.argv:
    sys.exit(11)
signal.signal(signal.SIGHUP, lambda *_: print("reopened", flush=True))
handle = os.open(PIDFILE, os.O_RDWR | os.O_CREAT, 0o644)
fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
time.sleep(0.1)
os.write(handle, str(os.getpid()).encode())
while True:
    time.sleep(10)
"""
NODED = services.SERVICES[0]
ALL = ("ganeti-noded", "ganeti-masterd", "ganeti-rapi")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    paths = Paths(str(tmp_path / "node1"), "node1")
    ensure_directories(paths)
    yield paths
    services.stop(paths, NODED)


@pytest.fixture
def program(paths: Paths, tmp_path: Path) -> str:
    path = tmp_path / "ganeti-noded"
    path.write_text(DAEMON.replace("PIDFILE", repr(paths.pid_file("ganeti-noded"))))
    path.chmod(0o755)
    return str(path)


def log(paths: Paths) -> str:
    return Path(paths.log_file("node-daemon")).read_text()


def test_start_returns_when_it_is_ready(paths: Paths, program: str) -> None:
    services.start(paths, NODED, program, ["-d"])
    pid = running_pid(paths.pid_file("ganeti-noded"))
    assert pid is not None
    assert is_alive(pid)
    assert "daemon says -f -d" in log(paths)


def test_one_that_runs_is_left_alone(paths: Paths, program: str) -> None:
    services.start(paths, NODED, program, [])
    pid = read_pid(paths.pid_file("ganeti-noded"))
    services.start(paths, NODED, program, [])
    assert read_pid(paths.pid_file("ganeti-noded")) == pid


def test_one_that_ends_again_is_an_error_with_its_last_words(paths: Paths, program: str) -> None:
    with pytest.raises(services.ServiceError, match=r"(?s)ended while it started.*it broke"):
        services.start(paths, NODED, program, ["fail"])


def test_one_that_belongs_on_another_node_says_so(paths: Paths, program: str) -> None:
    with pytest.raises(services.NotOnThisNode, match="ended while it started"):
        services.start(paths, NODED, program, ["elsewhere"])
    with pytest.raises(services.ServiceError) as failed:
        services.start(paths, NODED, program, ["fail"])
    assert not isinstance(failed.value, services.NotOnThisNode)


def test_a_former_master_starts_the_rest(
    paths: Paths, program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(paths.server_pem).touch()
    Path(paths.ca_cert).touch()
    Path(paths.ssconf("master_node")).write_text("node1\n")
    masterd = Path(program).with_name("ganeti-masterd")
    masterd.write_text("#!/bin/sh\necho the master is node2\nexit 11\n")
    masterd.chmod(0o755)
    # Nothing else is there; what the master alone runs is not even tried after the first.
    Path(program).with_name("ganeti-rapi").write_text("#!/bin/sh\nexit 1\n")
    Path(program).with_name("ganeti-rapi").chmod(0o755)
    places = {name: str(Path(program).with_name(name)) for name in ALL}
    monkeypatch.setattr(services, "find_executable", lambda service: places.get(service.name))
    assert daemon_util.run(["start-all"], paths) == 0
    assert services.is_running(paths, NODED)
    said = capsys.readouterr().err
    assert "this node is not the master" in said
    assert "the master is node2" in said
    assert "rapi" not in said
    # Who asks for the master's daemons wants to have them.
    assert daemon_util.run(["start-master"], paths) == 1


def test_stop(paths: Paths, program: str) -> None:
    services.start(paths, NODED, program, [])
    pid = read_pid(paths.pid_file("ganeti-noded")) or 0
    services.stop(paths, NODED)
    assert not is_alive(pid)
    assert not services.is_running(paths, NODED)
    services.stop(paths, NODED)


def test_one_that_stands_still_is_woken_up_to_end(paths: Paths, program: str) -> None:
    services.start(paths, NODED, program, [])
    pid = read_pid(paths.pid_file("ganeti-noded")) or 0
    signals = []
    os.kill(pid, signal.SIGSTOP)

    def kill(to: int, number: int) -> None:
        signals.append(signal.Signals(number))
        real_kill(to, number)

    real_kill = os.kill
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "kill", kill)
        services.stop(paths, NODED)
    assert not is_alive(pid)
    assert signal.SIGKILL not in signals


def test_reopening_logs(paths: Paths, program: str) -> None:
    services.start(paths, NODED, program, [])
    services.reopen_log(paths, NODED)
    while "reopened" not in log(paths):
        pass


def test_a_stale_pid_file_means_nothing(paths: Paths) -> None:
    path = paths.pid_file("ganeti-noded")
    Path(path).write_text(f"{os.getpid()}\n")
    assert running_pid(path) is None
    assert not is_held(path)
    Path(path).write_text("rubbish")
    assert read_pid(path) is None


def test_arguments_of_the_site(paths: Paths, tmp_path: Path) -> None:
    etc = tmp_path / "node1/etc/default"
    etc.mkdir(parents=True)
    (etc / "ganeti").write_text('# x\nNODED_ARGS="-d --syslog=no"\nLUXID_ARGS=-x\nOTHER=1\n')
    assert services.default_arguments(paths, NODED) == ["-d", "--syslog=no"]
    masterd = services.find_service("ganeti-wconfd")
    assert masterd is not None
    assert services.default_arguments(paths, masterd) == ["-x"]


def test_upstreams_names_are_served() -> None:
    names = ("ganeti-luxid", "ganeti-wconfd", "ganeti-masterd")
    assert {services.find_service(name) for name in names} == {services.SERVICES[2]}
    assert services.find_service("ganeti-kvmd") == NODED
    assert services.find_service("sshd") is None


def test_only_the_master_starts_the_masters_daemons() -> None:
    assert not any(one.master for one in services.starting_services(master=False))


def test_daemon_util(paths: Paths, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    services.start(paths, NODED, program, [])
    assert daemon_util.run(["check", "ganeti-noded"], paths) == 0
    assert daemon_util.run(["rotate-all-logs"], paths) == 0
    assert daemon_util.run(["stop-all"], paths) == 0
    assert daemon_util.run(["check", "ganeti-noded"], paths) == 1
    assert daemon_util.run(["daemon-pidfile", "ganeti-luxid"], paths) == 0
    assert capsys.readouterr().out == paths.pid_file("ganeti-masterd") + "\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("is-daemon-name ganeti-luxid", 0),
        ("is-daemon-name sshd", 1),
        ("check-exitcode 0", 0),
        ("check-exitcode 11", 0),
        ("check-exitcode 1", 1),
        ("check-config", 1),
        ("start-all", 1),
        ("start sshd", 1),
        ("start", 1),
        ("dance", 1),
        ("", 1),
        ("use-systemctl", 1),
    ],
)
def test_daemon_util_exit_codes(paths: Paths, words: str, code: int) -> None:
    assert daemon_util.run(words.split(), paths) == code
