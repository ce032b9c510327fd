"""What a running command works with: the node, the master, the terminal.

Made once by ``main.py`` and passed to the command, so that tests pass another.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from pyganeti.cli.failure import NotConfirmed
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError, NoMasterError, NotClusterError, NotMasterError
from pyganeti.wire.luxi.client import LuxiClient, socket_path

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.dump import Object


class Context:
    """Surroundings of one command.

    Args:
        program: ``gnt-instance``.
        command: the sub-command's name.
        paths: this node.
        env: environment variables.
        out: for results.
        err: for everything else.
        connect: makes a client for a socket's path.
        open_tty: opens the terminal for questions; raises OSError where there is none.
        wall_clock: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        program: str,
        command: str,
        paths: Paths,
        env: Mapping[str, str],
        out: TextIO,
        err: TextIO,
        connect: Callable[[str], LuxiClient],
        open_tty: Callable[[], TextIO],
        wall_clock: Callable[[], float],
    ) -> None:
        self.program = program
        self.command = command
        self.paths = paths
        self.env = env
        self._out = out
        self._err = err
        self._connect = connect
        self._open_tty = open_tty
        self.wall_clock = wall_clock
        self._clients: dict[str, LuxiClient] = {}

    @property
    def client(self) -> LuxiClient:
        """The master, for jobs."""
        return self._client(socket_path(self.paths, self.env))

    @property
    def query_client(self) -> LuxiClient:
        """The master, for questions that wait for nothing."""
        return self._client(socket_path(self.paths, self.env, query=True))

    def client_at(self, address: str) -> LuxiClient:
        """Whoever listens at a socket of that path and speaks as the master does."""
        return self._client(address)

    def _client(self, address: str) -> LuxiClient:
        if address not in self._clients:
            self._clients[address] = self._connect(address)
        return self._clients[address]

    @property
    def terminal(self) -> TextIO | None:
        """Where results go, if that is a terminal."""
        return self._out if self._out.isatty() else None

    def say(self, text: str) -> None:
        """Print a line of the result."""
        self._out.write(text + "\n")
        self._out.flush()

    def write(self, text: str) -> None:
        """Print text that brings its own line ends."""
        self._out.write(text)
        self._out.flush()

    def dump(
        self, opts: "Values", data: "Sequence[Object] | Object", names: Sequence[str] = ()
    ) -> None:
        """Print ``data`` for programs, as ``--format`` says.

        Args:
            opts: of the command.
            data: objects, or one.
            names: members that the objects have, where there may be no objects.
        """
        from pyganeti.cli.dump import dump

        titles = not getattr(opts, "no_headers", False)
        self.write(dump(opts.format, data, titles=titles, names=names))

    def warn(self, text: str) -> None:
        """Print a line for the user only."""
        self._err.write(text + "\n")
        self._err.flush()

    def ask(self, question: str, choices: Sequence[tuple[str, str]] = ()) -> str:
        """Ask on the terminal; the answer's letter, or the last one where there is no terminal.

        Args:
            question: printed before the choices.
            choices: letter and meaning; the last is the default. ``y`` and ``n`` if empty.
        """
        choices = choices or (("y", "yes"), ("n", "no"))
        letters = [letter for letter, _ in choices]
        default = letters[-1]
        try:
            tty = self._open_tty()
        except OSError:
            return default
        with tty:
            prompt = "/".join([*letters[:-1], f"[{default}]", "?"])
            while True:
                tty.write(f"{question}\n{prompt}: ")
                tty.flush()
                answer = tty.readline().strip().lower()
                if answer in letters:
                    return answer
                if answer != "?":
                    return default
                tty.write("".join(f" {letter} - {meaning}\n" for letter, meaning in choices))

    def confirm(self, question: str) -> None:
        """Go on only if the user agrees.

        Raises:
            NotConfirmed: the user said no, or there is no terminal to ask on.
        """
        if self.ask(question) != "y":
            raise NotConfirmed("Aborted: not confirmed.")

    def explain_absence(self, err: NoMasterError) -> GenericError:
        """Why nothing listens: no cluster, another master, or a daemon that does not run."""
        if self.env.get("FORCE_LUXI_SOCKET"):
            return err
        # Only here: looking up our own name may ask a name server.
        from pyganeti.kit.resolver import own_hostname

        try:
            with open(self.paths.ssconf("master_node"), encoding="utf-8") as handle:
                master = handle.read().strip()
        except OSError:
            return NotClusterError(
                "Cluster not initialized or this machine is not part of a cluster"
            )
        return err if master == own_hostname(self.paths) else NotMasterError(master)


def open_terminal() -> TextIO:
    """The terminal of the process, whatever standard input is."""
    # Unbuffered underneath: a terminal cannot be opened for reading and writing with one buffer.
    import io

    return io.TextIOWrapper(open("/dev/tty", "r+b", buffering=0), write_through=True)
