"""The console of a guest under QEMU: what connects a terminal, and lets a paused guest go on."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run
from pyganeti.kit.threads import in_thread
from pyganeti.node.hypervisor.kvm.layout import GuestPaths, KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.tools.kvm_console_wrapper import go_on, main

from .qemu_guests import instance, kvm, needs_qemu


def paths(directory: Path) -> GuestPaths:
    return KvmLayout(str(directory)).guest("web1")


async def state(directory: Path) -> str:
    async with qmp_session(paths(directory).qmp, "web1") as qmp:
        return str((await qmp.execute("query-status"))["status"])


@needs_qemu
async def test_a_guest_that_was_started_paused_goes_on_and_a_running_one_is_left(
    directory: Path,
) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=True)
    assert await state(directory) == "prelaunch"
    assert await in_thread(go_on, paths(directory).monitor)
    assert await state(directory) == "running"
    assert not await in_thread(go_on, paths(directory).monitor)
    await hypervisor.stop(instance(), 0)


@needs_qemu
async def test_the_command_of_the_console_lets_a_paused_guest_go_on(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=True)
    told = await hypervisor.console(instance())
    assert told.kind == "ssh"
    assert told.command is not None
    wrapper = told.command[: told.command.index("socat")]
    # In place of a terminal: something that lasts until the guest was told.
    done = await run(Command((*wrapper, "sleep", "4"), timeout_s=60))
    assert done.code == 0
    assert await state(directory) == "running"
    await hypervisor.stop(instance(), 0)


@pytest.mark.parametrize(
    "state",
    ["running", "paused (postmigrate)", "paused (inmigrate)", "paused (io-error)", "suspended", ""],
)
def test_no_other_pause_is_ended(tmp_path: Path, state: str) -> None:
    path = f"/tmp/mon{os.getpid()}"
    heard: list[bytes] = []

    def monitor(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"QEMU 7.2.0 monitor - type 'help'\r\n(qemu) ")
            while line := connection.recv(100):
                heard.append(line)
                connection.sendall(line + f"VM status: {state}\r\n(qemu) ".encode())

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        speaker = threading.Thread(target=monitor, args=(listener,))
        speaker.start()
        try:
            assert not go_on(path)
        finally:
            speaker.join(10)
            os.unlink(path)
    assert heard == [b"info status\n"]


def test_a_guest_whose_monitor_is_silent_still_gets_its_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert (
        main(["/no/monitor", sys.executable, "-c", "print('connected'); raise SystemExit(7)"]) == 7
    )
    assert capfd.readouterr().out == "connected\n"


def test_the_exit_code_says_what_could_not_be_run(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["/no/monitor", "/no/program"]) == 1
    assert "/no/program" in capfd.readouterr().err
    assert main(["/no/monitor"]) == 2
    assert "usage: kvm-console-wrapper" in capfd.readouterr().err
