"""Reports of the checks: each finding is one line of the job's log."""

from collections.abc import Callable, Collection, Iterable

from pyganeti.model.verify_codes import OBJECT_TYPE, VerifyCode


class Findings:
    """Writes findings and remembers whether one was an error.

    Args:
        log: takes lines.
        error_codes: write them as ``LEVEL:CODE:type:name:text``.
        ignore: codes whose errors are only warnings.
        verbose: say what is looked at, too.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        *,
        error_codes: bool,
        ignore: Collection[VerifyCode],
        verbose: bool = False,
    ) -> None:
        self._log = log
        self._error_codes = error_codes
        self._ignore = frozenset(ignore)
        self._verbose = verbose
        self._seen: set[VerifyCode] = set()
        self.bad = False

    def section(self, title: str) -> None:
        """Say what is checked next."""
        self._log(f"* {title}")

    def detail(self, title: str) -> None:
        """As :meth:`section`, for those who want to hear everything."""
        if self._verbose:
            self._log(f"* {title}")

    def note(self, text: str) -> None:
        """Say something that is no finding."""
        self._log(f"  - {text}")

    def quote(self, text: str) -> None:
        """Repeat what a program printed about the finding before."""
        for line in text.splitlines():
            self._log(f"      {line}")

    def error(self, code: VerifyCode, name: str, text: str) -> None:
        """An error, or a warning where it is to be ignored."""
        if code in self._ignore:
            self.warning(code, name, text)
            return
        self.bad = True
        self._write("ERROR", code, name, text)

    def warning(self, code: VerifyCode, name: str, text: str) -> None:
        """Something to look at, which does not make the check fail."""
        self._write("WARNING", code, name, text)

    def simulate(self, codes: Iterable[VerifyCode]) -> None:
        """Report those of ``codes`` that nothing was found of, for tests of what reads reports."""
        for code in codes:
            if code not in self._seen:
                self.error(code, "", "simulated")

    def _write(self, level: str, code: VerifyCode, name: str, text: str) -> None:
        self._seen.add(code)
        kind = OBJECT_TYPE[code]
        if self._error_codes:
            self._log(f"  - {level}:{code}:{kind}:{name}:{text}")
        else:
            what = f"{kind} {name}" if name else kind
            self._log(f"  - {level}: {what}: {text}")
