"""Out-of-band programs, restricted commands, and the reboot of a machine."""

import asyncio
import os
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.model.enums import OobCommand
from pyganeti.model.errors import OpExecError
from pyganeti.node.oob import oob_command, parse_answer, run_oob
from pyganeti.node.powercycle import Powercycle
from pyganeti.node.restricted import REFUSAL_S, RestrictedCommands
from pyganeti.wire.noderpc.power import OobAnswer, RunOobCall

HEALTH = '[["PS Redundancy", "OK"], ["FAN 1", "CRITICAL"]]'


def call(program: str, command: OobCommand = OobCommand.POWER_STATUS) -> RunOobCall:
    return RunOobCall(program=program, command=command, remote_node="node2", timeout=5)


def script(path: Path, body: str, mode: int = 0o755) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return str(path)


def test_the_program_gets_command_and_node() -> None:
    assert oob_command(call("/oob")).argv == ("/oob", "power-status", "node2")


@pytest.mark.parametrize(
    ("command", "text", "wanted"),
    [
        (OobCommand.POWER_STATUS, '{"powered": false}\n', OobAnswer(powered=False)),
        (
            OobCommand.HEALTH,
            HEALTH,
            OobAnswer(health=(("PS Redundancy", "OK"), ("FAN 1", "CRITICAL"))),
        ),
        (OobCommand.HEALTH, "[]", OobAnswer()),
        (OobCommand.POWER_ON, "\n", OobAnswer()),
        (OobCommand.POWER_OFF, "null", OobAnswer()),
    ],
)
def test_answers(command: OobCommand, text: str, wanted: OobAnswer) -> None:
    assert parse_answer(command, text) == wanted


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (OobCommand.POWER_STATUS, ""),
        (OobCommand.POWER_STATUS, '{"powered": "yes"}'),
        (OobCommand.POWER_STATUS, "on"),
        (OobCommand.HEALTH, '[["FAN 1", "BROKEN"]]'),
        (OobCommand.HEALTH, '[["FAN 1"]]'),
        (OobCommand.HEALTH, '{"FAN 1": "OK"}'),
        (OobCommand.POWER_ON, '"done"'),
    ],
)
def test_nonsense_is_an_error(command: OobCommand, text: str) -> None:
    with pytest.raises(OpExecError, match=f"unexpected answer to {command}"):
        parse_answer(command, text)


async def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    good = script(tmp_path / "good", "echo '{\"powered\": true}'; echo noise >&2")
    assert await run_oob(call(good), run) == OobAnswer(powered=True)
    bad = script(tmp_path / "bad", "echo no such machine $2 >&2; exit 1")
    with pytest.raises(OpExecError, match=r"^no such machine node2$"):
        await run_oob(call(bad), run)


async def test_what_is_no_program_is_not_run(tmp_path: Path) -> None:
    plain = script(tmp_path / "plain", "exit 0", 0o644)
    for path in (plain, str(tmp_path), f"{tmp_path}/missing", "true", ""):
        with pytest.raises(OpExecError, match="there is no out-of-band program"):
            await run_oob(call(path), run)


class Still(SystemClock):
    """Remembers how long it was to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


def restricted(tmp_path: Path) -> tuple[RestrictedCommands, Path, Still]:
    paths = Paths(str(tmp_path), "node1")
    directory = Path(paths.restricted_dir)
    directory.mkdir(parents=True, mode=0o755)
    script(directory / "good", 'echo "out $#"; echo err >&2')
    clock = Still()
    return RestrictedCommands(paths, clock, os.geteuid()), directory, clock


async def test_a_command_runs_without_arguments(tmp_path: Path) -> None:
    commands, directory, clock = restricted(tmp_path)
    os.symlink("good", directory / "link")
    for name in ("good", "link"):
        assert await commands.run(name, run) == "out 0\nerr\n"
    assert clock.slept == []


async def test_one_that_fails_tells_its_output(tmp_path: Path) -> None:
    commands, directory, _ = restricted(tmp_path)
    script(directory / "bad", "echo half; exit 3")
    with pytest.raises(OpExecError, match="half"):
        await commands.run("bad", run)


PLAIN = ["", "..", "good.sh", "good ", "good\n", "missing", "sub"]
NAMES = [*PLAIN, "../good", "/bin/true", "sub/inner", "sub/../good"]


@pytest.mark.parametrize("name", NAMES)
async def test_no_other_names(tmp_path: Path, name: str) -> None:
    commands, directory, clock = restricted(tmp_path)
    (directory / "sub").mkdir()
    script(directory / "sub" / "inner", "exit 0")
    with pytest.raises(OpExecError) as refused:
        await commands.run(name, run)
    # The same for all: nothing is told of what lies there.
    assert str(refused.value) == "the command was not run, the node's log says why"
    assert clock.slept == [REFUSAL_S]


@pytest.mark.parametrize(
    ("where", "mode"),
    [("good", 0o775), ("good", 0o757), ("good", 0o644), (".", 0o775), ("..", 0o775)],
)
async def test_what_others_could_change_is_not_run(tmp_path: Path, where: str, mode: int) -> None:
    commands, directory, clock = restricted(tmp_path)
    (directory / where).chmod(mode)
    with pytest.raises(OpExecError, match="not run"):
        await commands.run("good", run)
    assert clock.slept == [REFUSAL_S]


async def test_what_belongs_to_others_is_not_run(tmp_path: Path) -> None:
    _, _, clock = restricted(tmp_path)
    commands = RestrictedCommands(Paths(str(tmp_path), "node1"), clock, os.geteuid() + 1)
    with pytest.raises(OpExecError, match="not run"):
        await commands.run("good", run)


async def test_without_the_directory_nothing_is_run(tmp_path: Path) -> None:
    commands = RestrictedCommands(Paths(str(tmp_path), "node1"), Still(), os.geteuid())
    with pytest.raises(OpExecError, match="not run"):
        await commands.run("good", run)


def test_a_machine_is_rebooted_after_the_answer(tmp_path: Path) -> None:
    later: list[object] = []
    trigger = tmp_path / "trigger"
    trigger.touch()
    said = Powercycle(str(trigger), lambda delay, work: later.extend([delay, work])).schedule()
    assert said == "Reboot scheduled in 5 seconds"
    delay, work = later
    assert (delay, trigger.read_bytes()) == (5.0, b"")
    assert callable(work)
    work()
    assert trigger.read_bytes() == b"b"


def test_what_is_no_machine_is_not_rebooted(tmp_path: Path) -> None:
    for trigger in (None, str(tmp_path / "missing")):
        with pytest.raises(OpExecError):
            Powercycle(trigger, lambda _delay, work: work()).schedule()
