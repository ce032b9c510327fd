"""``cfgshell``: what it shows, what it changes, and what it refuses."""

import fcntl
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.tools.cfgshell import main
from tools.confd_replies import REPLIES

ORIGINAL = json.dumps(
    {**json.loads((REPLIES.parent / "config.data").read_bytes()), "version": CONFIG_VERSION}
).encode()
Shell = Callable[..., tuple[int, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node with a configuration; the file."""
    root = tmp_path / "node1"
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    monkeypatch.setenv("GANETI_ROOTDIR", str(root))
    monkeypatch.delenv("GANETI_HOSTNAME", raising=False)
    path = data / "config.data"
    path.write_bytes(ORIGINAL)
    return path


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Types lines; exit code and all that was said, without prompts' places."""

    def typed(*lines: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = main(words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return typed


def config(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("config.data.backup-*"))


def test_one_walks_through_it(place: Path, shell: Shell) -> None:
    name = config(place)["cluster"]["cluster_name"]
    code, said = shell("ls", "cd cluster", "cat cluster_name", "pwd", "cd ..", "pwd", "quit")
    assert code == 0
    assert f'(/cluster) "{name}"' in said
    assert "(/cluster) /cluster" in said
    assert f"version = {config(place)['version']}" in said
    assert f"nodes/ ({len(config(place)['nodes'])} entries)" in said


def test_objects_are_found_by_their_names(place: Path, shell: Shell) -> None:
    uuid, node = next(iter(config(place)["nodes"].items()))
    _, said = shell("cd nodes", "ls", f"cd {node['name']}", "pwd", f"cd /nodes/{uuid}", "cat")
    assert f"{uuid}/ ({node['name']})" in said
    assert f") /nodes/{uuid}\n" in said
    shown = said.partition(f"(/nodes/{uuid}) (/nodes/{uuid}) ")[2]
    assert json.JSONDecoder().raw_decode(shown)[0] == node


def test_lists_have_numbers(place: Path, shell: Shell) -> None:
    wanted = config(place)["cluster"]["enabled_hypervisors"][0]
    code, said = shell("cd cluster/enabled_hypervisors", "cat 0", "exit")
    assert code == 0
    assert f'"{wanted}"' in said


def test_what_is_taken_out_is_saved_and_the_old_file_kept(place: Path, shell: Shell) -> None:
    before = config(place)
    name = next(iter(before["instances"].values()))["name"]
    uuid = next(key for key, value in before["instances"].items() if value["name"] == name)
    for disk in before["instances"][uuid]["disks"]:
        before["disks"].pop(disk)
    lines = [f"rm {disk}" for disk in before["instances"][uuid]["disks"]]
    code, said = shell("cd instances", f"rm {name}", "cd /disks", *lines, "save", "quit")
    assert code == 0, said
    after = config(place)
    assert after["instances"].keys() == before["instances"].keys() - {uuid}
    assert after["disks"] == before["disks"]
    assert after["serial_no"] == before["serial_no"] + 1
    (kept,) = backups(place)
    assert kept.read_bytes() == ORIGINAL
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_sound_one_is_called_sound(place: Path, shell: Shell) -> None:
    place.write_bytes((REPLIES.parents[1] / "config.data").read_bytes())
    assert shell("verify", "quit") == (0, "(/) No problems were found.\n(/) ")


def test_what_would_contradict_itself_is_not_saved(place: Path, shell: Shell) -> None:
    code, said = shell("cd nodes", "rm node2.example.com", "verify", "save", "quit", "quit")
    assert code == 1
    assert "not saved, this would be wrong: " in said
    assert "There are changes that were not saved: save, or quit again." in said
    assert "cfgshell: changes were not saved" in said
    assert place.read_bytes() == ORIGINAL
    assert backups(place) == []


def test_an_end_without_save_leaves_the_file(place: Path, shell: Shell) -> None:
    instance = next(iter(config(place)["instances"]))
    code, said = shell("cd instances", f"rm {instance}")
    assert (code, said.splitlines()[-1]) == (1, "cfgshell: changes were not saved")
    code, said = shell("cd instances", f"rm {instance}", "load", "load", "ls", "quit")
    assert "save, or load again" in said
    assert place.read_bytes() == ORIGINAL


def test_what_others_write_is_not_lost(place: Path, shell: Shell) -> None:
    lines = ["cd instances", f"rm {next(iter(config(place)['instances']))}"]
    pid_file = place.parents[2] / "run/ganeti/ganeti-masterd.pid"
    pid_file.parent.mkdir(parents=True)
    write_atomic(str(pid_file), f"{os.getpid()}\n".encode())
    with pid_file.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        code, said = shell(*lines, "save", "quit", "quit")
    assert code == 1
    assert "stop the daemons first: ganeti-masterd still run" in said
    assert place.read_bytes() == ORIGINAL


def test_a_database_beside_it_is_mentioned(place: Path, shell: Shell) -> None:
    (place.parent / "cluster.db").touch()
    code, said = shell("save", "quit")
    assert code == 0
    assert "--take-config-file" in said


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("dance", "dance: no such command, see help"),
        ("ls here", "that many words"),
        ("cd nosuch", "there is no nosuch here"),
        ("cd ..", "this is the top"),
        ("cd serial_no", "serial_no is a value"),
        ("cat nosuch", "there is no nosuch here"),
        ("rm cluster", "only in /disks, /instances, /nodes things can be removed"),
        ("rm", "that many words"),
        ("cat 'a", "No closing quotation"),
        ("load /nosuch", "there is no /nosuch"),
        ("load /", "/: Is a directory"),
    ],
)
def test_what_is_wrong_changes_nothing(place: Path, shell: Shell, line: str, text: str) -> None:
    code, said = shell(line, "pwd", "quit")
    assert code == 1
    assert text in said
    assert "(/) /\n" in said
    assert place.read_bytes() == ORIGINAL


def test_without_a_configuration(place: Path, shell: Shell) -> None:
    place.unlink()
    for line in ("ls", "cd", "cd x", "pwd", "cat", "rm x", "verify", "save"):
        code, said = shell(line, "quit")
        assert code == 1
        assert said == "(#no config) no configuration is loaded, see help load\n(#no config) "
    code, said = shell(words=(str(place),))
    assert (code, said) == (1, f"cfgshell: there is no {place}\n")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 5000])
def test_nonsense(place: Path, shell: Shell, content: bytes) -> None:
    place.write_bytes(content)
    code, said = shell("ls")
    assert code == 1
    assert said.startswith("cfgshell: ")
    assert said.count("\n") == 1


def test_one_that_makes_no_sense_can_be_looked_at(place: Path, shell: Shell) -> None:
    place.write_text('{"version": 7, "nodes": [1, {"name": "a"}, {"name": "a"}]}')
    code, said = shell("cd nodes", "ls", "cat 0", "cat a", "verify", "quit")
    assert code == 1
    assert "a is the name of 1 and of 2" in said
    assert "0 = 1" in said
