"""How far a job is, on a terminal: one line that moves, below what the job says.

    WaitForJobChange's field ``progress`` -> Bar -> terminal

Imported only once a wait has turned out long. Piped output never shows it.
"""

from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Bar:
    """One line with step, share, amount and estimate. A context of its own: :meth:`close` ends it.

    Args:
        terminal: where to draw.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} MiB"),
            TimeRemainingColumn(),
            console=Console(file=terminal, highlight=False),
            transient=True,
        )
        self._steps: dict[str, Any] = {}  # Any: rich's task ids
        self._progress.start()

    def show(self, made: dict[str, Any] | None) -> None:
        """Show the ``progress`` of a job; ``None`` while its step cannot be measured.

        Any: a text and two numbers.
        """
        step = None if made is None else made["step"]
        for other in [name for name in self._steps if name != step]:
            self._progress.remove_task(self._steps.pop(other))
        if made is None or step is None:
            return
        if step not in self._steps:
            self._steps[step] = self._progress.add_task(step, total=made["total"])
        task = self._steps[step]
        self._progress.update(task, completed=made["done"], total=made["total"], refresh=True)

    def say(self, text: str) -> None:
        """Print a line above it."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Take it away."""
        self._progress.stop()
