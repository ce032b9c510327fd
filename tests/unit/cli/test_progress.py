"""How far a job is, on a terminal; piped output never shows it."""

import io
from collections.abc import Iterator
from typing import Any

from pyganeti.cli.context import Context
from pyganeti.cli.submit import follow
from pyganeti.kit.paths import Paths

from .fake_master import FakeMaster

HALF = {"step": "wipe disk/0", "done": 512, "total": 1024}
QUARTER = {"step": "wipe disk/1", "done": 512, "total": 2048}


class Screen(io.StringIO):
    """Output that is a terminal."""

    def isatty(self) -> bool:
        return True


class Wiping(FakeMaster):
    """A job that wipes two disks and says a line in between."""

    def __init__(self, *made: dict[str, Any] | None) -> None:
        super().__init__()
        self._made = list(made)

    def _do_WaitForJobChange(  # noqa: N802
        self, job_id: int, fields: list[str], info: object, serial: int, timeout: int
    ) -> Any:
        ended = not self._made
        made = None if ended else self._made.pop(0)
        values = {"status": "success" if ended else "running", "progress": made}
        log = [[7, [1_700_000_000, 0], "message", "* next disk"]] if made == QUARTER else []
        return [[values[field] for field in fields], log]


def followed(master: Wiping, out: io.StringIO, *, step_s: float = 1.5) -> str:
    """What ``follow`` prints while ``step_s`` seconds pass between two looks at the clock."""

    def ticks() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += step_s

    clock = ticks()
    context = Context(
        program="gnt-instance",
        command="add",
        paths=Paths("/nowhere/node1", "node1"),
        env={},
        out=out,
        err=io.StringIO(),
        connect=lambda _: master,
        open_tty=io.StringIO,
        wall_clock=lambda: next(clock),
    )
    follow(context, 1)
    return out.getvalue()


def test_a_terminal_shows_share_amount_and_what_the_job_says() -> None:
    said = followed(Wiping(HALF, HALF, QUARTER), Screen())
    assert "wipe disk/0" in said
    assert "50%" in said
    assert "512/1024 MiB" in said
    assert "wipe disk/1" in said
    assert "512/2048 MiB" in said
    assert "* next disk" in said


def test_a_short_wait_shows_no_bar() -> None:
    assert followed(Wiping(HALF, HALF), Screen(), step_s=0.1) == ""


def test_work_that_cannot_be_measured_shows_no_bar() -> None:
    assert followed(Wiping(None, None, None), Screen()) == ""


def test_piped_output_never_shows_it() -> None:
    master = Wiping(HALF, QUARTER)
    said = followed(master, io.StringIO())
    assert said.splitlines()[0].endswith("* next disk")
    assert len(said.splitlines()) == 1
    assert all(args[1] == ["status"] for args in master.of("WaitForJobChange"))
