"""``ganeti-listrunner``: everything but ssh itself, in whose place a local shell stands."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, Finished, ProcessError, run
from pyganeti.tools.listrunner import main


class LocalShell:
    """Runs here what ssh was to run elsewhere; the real thing otherwise.

    Attributes:
        ran: what it was called with.
        most: how many ran at once at the most.
    """

    def __init__(self) -> None:
        self.ran: list[Command] = []
        self.most = self._now = 0

    async def __call__(self, command: Command) -> Finished:
        self.ran.append(command)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(0)
            return await run(replace(command, argv=("sh", "-c", command.argv[-1])))
        finally:
            self._now -= 1


class Silent:
    """Every host is out of reach."""

    async def __call__(self, command: Command) -> Finished:
        raise ProcessError(command, "cannot be started")


@pytest.fixture
def shell() -> LocalShell:
    return LocalShell()


def written(place: Path, text: str) -> str:
    place.write_text(text)
    return str(place)


def test_a_command_runs_on_all_hosts_and_its_words_are_kept(
    tmp_path: Path, shell: LocalShell, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = tmp_path / "logs"
    words = ["-l", str(logs), "-A", "-c", "echo out; echo error >&2", "-h", "node1,node2,node1"]
    assert main(words, shell) == 0
    assert {path.name: path.read_text() for path in logs.iterdir()} == {
        "node1.log": "out\nerror\n",
        "node2.log": "out\nerror\n",
    }
    said = capsys.readouterr().out.splitlines()
    assert sorted(said) == [f"{n}: exit code 0, see {logs}/{n}.log" for n in ("node1", "node2")]
    assert main(words, shell) == 0
    assert (logs / "node1.log").read_text() == "out\nerror\n"


def test_ssh_is_told_where_as_whom_and_how(tmp_path: Path, shell: LocalShell) -> None:
    words = ["-l", str(tmp_path), "-u", "admin", "-c", "true", "-h", "node1"]
    assert main([*words, "-A"], shell) == 0
    assert main([*words, "-p", "hidden"], shell) == 0
    by_key, by_password = shell.ran
    assert "admin@node1" in by_key.argv
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new"} <= set(by_key.argv)
    assert "-oBatchMode=no" in by_password.argv
    # Neither in a command line nor in a file.
    assert not any("hidden" in word for word in by_password.argv)
    assert by_password.env is not None
    askpass = Path(by_password.env["SSH_ASKPASS"])
    assert by_password.env["SSH_ASKPASS_REQUIRE"] == "force"
    assert not askpass.parent.exists()


def test_a_program_finds_its_files_and_leaves_nothing(
    tmp_path: Path, shell: LocalShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "remote"))
    (tmp_path / "remote").mkdir()
    program = written(tmp_path / "run me.sh", '#!/bin/sh\npwd; cat data; echo "$#:$1:$2"; cat\n')
    data = written(tmp_path / "data", "golden\n")
    words = ["-l", str(tmp_path), "-A", "-x", program, "-a", data, "--args", "'a b' $((1 + 1))"]
    assert main([*words, "-h", "node1"], shell) == 0
    where, *said = (tmp_path / "node1.log").read_text().splitlines()
    assert where.startswith(str(tmp_path / "remote"))
    assert said == ["golden", "2:a b:2"]
    assert list((tmp_path / "remote").iterdir()) == []


def test_hosts_where_it_fails_are_named(
    tmp_path: Path, shell: LocalShell, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = written(tmp_path / "hosts", "# racks\nnode1\n\n  node2\n")
    words = ["-l", str(tmp_path), "-A", "-f", hosts]
    assert main([*words, "-a", hosts, "-c", "test -s hosts; exit 3"], shell) == 1
    captured = capsys.readouterr()
    assert f"node1: exit code 3, see {tmp_path}/node1.log" in captured.out
    assert captured.err == "ganeti-listrunner: failed on node1, node2\n"
    assert main([*words, "-c", "true"], Silent()) == 1
    assert "node2: ssh: cannot be started" in capsys.readouterr().out


def test_only_so_many_at_a_time(tmp_path: Path, shell: LocalShell) -> None:
    hosts = ",".join(f"node{number}" for number in range(7))
    words = ["-l", str(tmp_path), "-A", "-c", "true", "-h", hosts]
    assert main([*words, "-b", "2"], shell) == 0
    assert (len(shell.ran), shell.most) == (7, 2)


def test_without_a_word_the_password_is_asked_for(
    tmp_path: Path, shell: LocalShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "hidden"

    monkeypatch.setattr("getpass.getpass", answer)
    words = ["-l", str(tmp_path), "-h", "node1,node2"]
    program = 'test "$($SSH_ASKPASS)" = hidden'
    assert main([*words, "-c", program], shell) == 0
    assert asked == ["root's password for all hosts: "]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "required: -l"),
        (("-l", "logs", "-h", "node1"), 2, "one of the arguments -x -c is required"),
        (("-l", "logs", "-c", "true"), 2, "one of the arguments -f -h is required"),
        (("-l", "logs", "-c", "true", "-h", "n", "-p", "x", "-A"), 2, "not allowed with"),
        (("-l", "logs", "-c", "true", "-h", "n", "-b", "0"), 2, "at least one"),
        (("-l", "logs", "-c", "true", "-h", "n", "-u", "a b"), 2, "is no name of a user"),
        (("-l", "logs", "-c", "true", "-h", "n", "--args", "x"), 2, "goes with -x"),
        (("-l", "logs", "-A", "-c", "true", "-h", ","), 1, "no host is named"),
        (("-l", "logs", "-A", "-c", "true", "-h", "../n"), 1, "'../n' is no name of a host"),
        (("-l", "logs", "-A", "-c", "true", "-f", "none"), 1, "none: No such file"),
        (("-l", "logs", "-A", "-x", "none", "-h", "n"), 1, "none: No such file"),
        (("-l", "logs", "-A", "-x", "dir", "-h", "n"), 1, "dir: Is a directory"),
        (("-l", "logs", "-A", "-c", "true", "-a", "a", "-a", "dir/a", "-h", "n"), 1, "another"),
    ],
)
def test_what_is_wrong_is_refused(
    words: tuple[str, ...],
    code: int,
    text: str,
    *,
    tmp_path: Path,
    shell: LocalShell,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    for place in ("a", "dir/a"):
        written(tmp_path / place, "")
    try:
        found = main(words, shell)
    except SystemExit as ended:
        found = int(ended.code or 0)
    assert found == code
    assert text in capsys.readouterr().err
    assert shell.ran == []
