"""``cfgshell``: walks through ``config.data`` as through directories, and repairs it by hand.

    file -> JSON -> commands of the user -> checked -> the file again, the old one kept beside it

Run by people with all daemons stopped, or on a copy. It works on what is in the file, also where
that makes no sense. Source: the commands of Ganeti's tool of this name.
"""

import argparse
import cmd
import json
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ConfigurationError, GenericError

from . import services
from .config_file import Config, decoded, problems, replace_config
from .ending import ended

# From here whole objects may be taken away.
_REMOVABLE: Final = (["disks"], ["instances"], ["nodes"])
_WIDEST: Final = 60


class Refused(GenericError):
    """A command cannot be done; nothing was changed."""


class Loaded:
    """A configuration that was read from a file.

    Attributes:
        path: the file.
        config: what is in it, with the user's changes.
        is_changed: whether there are any.

    Raises:
        ConfigurationError: it is no JSON object, or there is no such file.
        OSError: it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        data = read_bytes(path)
        if data is None:
            raise ConfigurationError(f"there is no {path}")
        self._data = data
        self.config: Config = decoded(data, path)
        self._old_problems = _problems(self.config)
        self.is_changed = False

    def save(self, paths: Paths) -> str:
        """Write the changes; where the old file is kept.

        Raises:
            GenericError: they are not written: daemons run, somebody else has changed the file,
                or what it says would contradict itself more than before.
            OSError: it cannot be written.
        """
        if self.path == os.path.realpath(paths.config_file):
            services.check_stopped(paths)
        if read_bytes(self.path) != self._data:
            raise Refused(f"{self.path} was changed meanwhile: load it again")
        worse = [text for text in _problems(self.config) if text not in self._old_problems]
        if worse:
            raise Refused("not saved, this would be wrong: " + "; ".join(worse))
        serial = self.config.get("serial_no")
        new = {**self.config, "mtime": now()}
        if isinstance(serial, int):
            new["serial_no"] = serial + 1
        backup = replace_config(self.path, new)
        self.config, self.is_changed = new, False
        self._data = read_bytes(self.path) or b""
        return backup


def _problems(config: Config) -> list[str]:
    try:
        return problems(config)
    except ConfigurationError as err:
        return [str(err)]


# Any, here and below: JSON.
def children(value: Any) -> dict[str, Any]:
    """What stands directly below a place, by the names it can be called."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return {}


def child(value: Any, name: str) -> str:
    """The key of the child that is meant by ``name``: its key, or its object's name.

    Raises:
        Refused: there is none, or several have that name.
    """
    below = children(value)
    if name in below:
        return name
    named = [key for key, item in below.items() if _name(item) == name]
    if not named:
        raise Refused(f"there is no {name} here")
    if len(named) > 1:
        raise Refused(f"{name} is the name of {' and of '.join(named)}")
    return named[0]


def _name(value: Any) -> str | None:
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def listed(value: Any) -> list[str]:
    """A line for each child: containers with a slash and their names, others with their values."""
    lines = []
    for key, item in children(value).items():
        if isinstance(item, dict | list):
            name = _name(item) or f"{len(item)} entries"
            lines.append(f"{key}/ ({name})")
        else:
            text = json.dumps(item)
            lines.append(f"{key} = {text[:_WIDEST]}{'...' * (len(text) > _WIDEST)}")
    return lines


class ConfigShell(cmd.Cmd):
    """The shell.

    Args:
        paths: this node.

    Attributes:
        failures: commands that did not work.
    """

    doc_header = "Commands (help COMMAND says more):"

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths
        self._loaded: Loaded | None = None
        self._place: list[str] = []
        self._asked = False
        self.failures = 0
        self.prompt = "(#no config) "

    @property
    def is_changed(self) -> bool:
        """Whether there is something to save."""
        return self._loaded is not None and self._loaded.is_changed

    def onecmd(self, line: str) -> bool:
        """Do a command; whether it was the last. One that does not work is told, and counted."""
        try:
            return super().onecmd(line)
        except OSError as err:
            self._complain(f"{err.filename}: {err.strerror}")
        except (GenericError, ValueError) as err:
            self._complain(str(err))
        return False

    def _complain(self, text: str) -> None:
        self.failures += 1
        print(text, file=self.stdout)

    def emptyline(self) -> bool:
        """Do nothing, rather than the last command again."""
        return False

    def default(self, line: str) -> None:
        """Refuse what is no command."""
        raise Refused(f"{line.split()[0]}: no such command, see help")

    def _config(self) -> Loaded:
        if self._loaded is None:
            raise Refused("no configuration is loaded, see help load")
        return self._loaded

    def _here(self, place: Sequence[str] | None = None) -> Any:
        value: Any = self._config().config
        for key in self._place if place is None else place:
            value = children(value)[key]
        return value

    def open(self, path: str) -> None:
        """Read a file and stand at its top.

        Raises:
            ConfigurationError: it is no JSON object, or there is no such file.
            OSError: it cannot be read.
        """
        self._loaded = Loaded(path)
        self._stand([])

    def _stand(self, place: list[str]) -> None:
        self._place = place
        self.prompt = f"(/{'/'.join(place)}) "

    def do_load(self, line: str) -> None:
        """load [FILE]: read a configuration, without a name that of this node."""
        (path,) = _words(line, 0, 1) or [self._paths.config_file]
        if self.is_changed and not self._asked:
            self._ask("load")
            return
        self.open(path)

    def do_ls(self, line: str) -> None:
        """ls: what there is here; places to go to end in a slash."""
        _words(line, 0, 0)
        for text in listed(self._here()):
            print(text, file=self.stdout)

    def do_cd(self, line: str) -> None:
        """cd [NAME]: go there; .. is upwards, without a name to the top."""
        place = list(self._place)
        (path,) = _words(line, 0, 1) or ["/"]
        if path.startswith("/"):
            place = []
        for name in filter(None, path.split("/")):
            if name == "..":
                if not place:
                    raise Refused("this is the top")
                place.pop()
                continue
            key = child(self._here(place), name)
            if not isinstance(children(self._here(place))[key], dict | list):
                raise Refused(f"{name} is a value, see help cat")
            place.append(key)
        self._config()
        self._stand(place)

    def do_pwd(self, line: str) -> None:
        """pwd: where this is."""
        _words(line, 0, 0)
        self._config()
        print(f"/{'/'.join(self._place)}", file=self.stdout)

    def do_cat(self, line: str) -> None:
        """cat [NAME...]: print values, without a name all that is here."""
        here = self._here()
        names = _words(line, 0, None)
        found = [children(here)[child(here, name)] for name in names] if names else [here]
        for value in found:
            print(json.dumps(value, indent=2), file=self.stdout)

    def do_rm(self, line: str) -> None:
        """rm NAME: take a disk, an instance or a node out of the configuration, nothing else."""
        (name,) = _words(line, 1, 1)
        here = self._here()
        if self._place not in _REMOVABLE:
            places = ", ".join(f"/{'/'.join(place)}" for place in _REMOVABLE)
            raise Refused(f"only in {places} things can be removed")
        del here[child(here, name)]
        self._config().is_changed = True

    def do_verify(self, line: str) -> None:
        """verify: say how the configuration contradicts itself."""
        _words(line, 0, 0)
        found = _problems(self._config().config)
        for text in found:
            self._complain(text)
        if not found:
            print("No problems were found.", file=self.stdout)

    def do_save(self, line: str) -> None:
        """save: write the changes; the old file is kept beside it."""
        _words(line, 0, 0)
        loaded = self._config()
        backup = loaded.save(self._paths)
        print(f"Saved; the old file is {backup}.", file=self.stdout)
        if os.path.exists(os.path.join(os.path.dirname(loaded.path), "cluster.db")):
            print("Run 'ganeti-masterd --take-config-file' to make it the cluster's.",
                  file=self.stdout)  # fmt: skip

    def do_quit(self, line: str) -> bool:
        """quit: end."""
        _words(line, 0, 0)
        if self.is_changed and not self._asked:
            self._ask("quit")
            return False
        return True

    def do_EOF(self, line: str) -> bool:  # noqa: N802 - its name for the end of the input
        """EOF, Control-D: end."""
        print(file=self.stdout)
        return True

    do_exit = do_quit

    def _ask(self, command: str) -> None:
        self._complain(f"There are changes that were not saved: save, or {command} again.")
        self._asked = True

    def postcmd(self, stop: bool, line: str) -> bool:
        """Whether to end; who does something else after a question has not answered it."""
        if line.split()[:1] not in (["quit"], ["exit"], ["load"]):
            self._asked = False
        return stop

    def completenames(self, text: str, *ignored: Any) -> list[str]:
        """Commands for the tabulator key."""
        return [name for name in super().completenames(text, *ignored) if name != "EOF"]

    def _completed(self, text: str) -> list[str]:
        if self._loaded is None:
            return []
        below = children(self._here())
        names = [*below, *filter(None, map(_name, below.values()))]
        return [name for name in names if name.startswith(text)]

    def complete_cd(self, text: str, *ignored: Any) -> list[str]:
        """Names of what is here."""
        return self._completed(text)

    complete_cat = complete_rm = complete_cd


def _words(line: str, least: int, most: int | None) -> list[str]:
    """The words behind a command.

    Raises:
        Refused: there are too few or too many.
    """
    words = shlex.split(line)
    if len(words) < least or (most is not None and len(words) > most):
        raise Refused("that many words do not go with this command, see help")
    return words


def _run(options: argparse.Namespace, paths: Paths) -> int:
    shell = ConfigShell(paths)
    if options.file is not None or os.path.exists(paths.config_file):
        shell.open(options.file or paths.config_file)
    while True:
        try:
            shell.cmdloop()
            break
        except KeyboardInterrupt:
            print("^C: quit ends", file=sys.stderr)
    if shell.is_changed:
        print("cfgshell: changes were not saved", file=sys.stderr)
        return 1
    # Somebody at a terminal has seen what did not work; a script has not.
    return 1 if shell.failures and not sys.stdin.isatty() else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="cfgshell", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the file (default: this node's config.data)"
    )
    options = parser.parse_args(argv)
    return ended("cfgshell", lambda: _run(options, Paths.from_env()))


if __name__ == "__main__":
    sys.exit(main())
