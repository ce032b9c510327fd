"""Logs of scripts, and what is shown of them."""

import resource
from pathlib import Path

from pyganeti.node.script_logs import make_log, printable, tail


def test_each_run_has_a_log_of_its_own(tmp_path: Path) -> None:
    logs = [make_log(str(tmp_path / "logs"), "add-web1", 0.0) for _ in range(3)]
    assert len(set(logs)) == 3
    assert [Path(log).stat().st_mode & 0o777 for log in logs] == [0o600] * 3


def test_two_long_names_have_a_log(tmp_path: Path) -> None:
    label = f"rename-noop-{'x' * 200}-{'y' * 200}"
    logs = [make_log(str(tmp_path), label, 0.0) for _ in range(2)]
    assert len(set(logs)) == 2
    assert all(Path(log).name.startswith(f"rename-noop-{'x' * 200}-") for log in logs)


def test_a_removed_log_has_no_tail(tmp_path: Path) -> None:
    assert tail(str(tmp_path / "none"), 10) == b""


def test_a_tail_costs_little_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as handle:
        handle.truncate(400 << 20)
        handle.seek(0, 2)
        handle.write(b"the end\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert tail(str(log), 8) == b"the end\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert tail(str(log), 1 << 12)[-9:] == b"\0the end\n"


def test_controls_are_shown_not_obeyed() -> None:
    said = b"a\x00b\x1b[31m\r\n\tc\xff\x07 \xe2\x80\xae"
    assert printable(said) == "a\\x00b\\x1b[31m\n\tc\ufffd\\x07 \\u202e"
