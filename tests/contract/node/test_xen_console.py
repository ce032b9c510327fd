"""The console wrapper of Xen, with a program that answers as ``xl`` does."""

from pathlib import Path

import pytest

from pyganeti.kit.process import ProcessError
from pyganeti.tools.xen_console_wrapper import go_on, is_paused, main

LISTED = """Name                                        ID   Mem VCPUs\tState\tTime(s)
Domain-0                                     0  1024     4     r-----   12345.6
web1.example.com                             7   512     2     --p---       0.0
web2.example.com                             8   512     2     -b----      10.5
"""


@pytest.fixture
def xl(tmp_path: Path) -> Path:
    """Knows one guest, which is paused until it is told to go on; its console lasts until then."""
    path = tmp_path / "xl"
    path.write_text(f"""#!/bin/sh
[ "$2" = web1 ] || {{ echo "$2 is an invalid domain identifier" >&2; exit 1; }}
case "$1" in
list)
  state=--p---; [ -e {tmp_path}/goes ] && state=r-----
  echo "Name ID Mem VCPUs State Time(s)"; echo "web1 7 512 2 $state 0.0" ;;
unpause) touch {tmp_path}/goes ;;
console)
  echo connected
  n=0; until [ -e {tmp_path}/goes ] || [ $n = 100 ]; do sleep 0.1; n=$((n+1)); done; exit 7 ;;
esac
""")
    path.chmod(0o755)
    return path


def test_what_is_paused() -> None:
    assert is_paused(LISTED, "web1.example.com")
    for name in ("web2.example.com", "Domain-0", "web1", "Name", ""):
        assert not is_paused(LISTED, name)
    assert not is_paused("", "web1")


def test_a_paused_guest_goes_on_and_a_running_one_is_left(xl: Path) -> None:
    assert go_on(str(xl), "web1")
    assert xl.with_name("goes").exists()
    assert not go_on(str(xl), "web1")
    with pytest.raises(ProcessError):
        go_on(str(xl), "web9")


def test_it_goes_on_once_the_terminal_is_connected(
    xl: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(xl), "web1"]) == 7
    assert capfd.readouterr().out == "connected\n"
    assert xl.with_name("goes").exists()


@pytest.mark.parametrize("words", [[], ["xl"], ["xl", "a", "b"], ["xl", ""], ["xl", "--help"]])
def test_wrong_words(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: xen-console-wrapper XL INSTANCE" in capfd.readouterr().err


def test_no_such_guest_or_program(xl: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(xl), "web9"]) == 1
    assert "invalid domain identifier" in capfd.readouterr().err
    assert main(["/no/xl", "web1"]) == 1
    assert "/no/xl" in capfd.readouterr().err
