"""A storage provider for simulated nodes: its scripts are run by nobody, but do what they would.

One array of volumes is seen by all nodes; each node attaches and opens them for itself.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB

from .programs import append

PROVIDER: Final = "array"
SCRIPTS: Final = (
    "attach", "close", "create", "detach", "grow",
    "open", "remove", "setinfo", "snapshot", "verify",
)  # fmt: skip
_DEVICES: Final = "/dev/array/"
DEFAULT_CAPACITY: Final = 1024 * 1024


@dataclass
class Array:
    """Volumes that all nodes see.

    Attributes:
        capacity: MiB that all of them may have together.
        volumes: size in MiB by name.
        info: what was noted on each.
        parameters: what each was made with.
        opened: by volume, the nodes that may write and whether each wants to be alone.
    """

    capacity: int = DEFAULT_CAPACITY
    volumes: dict[str, int] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)
    opened: dict[str, dict[str, bool]] = field(default_factory=dict)


class SimProvider:
    """The runner of one node's provider. Scripts in ``failing`` say what stands there, and fail.

    Args:
        array: the volumes.
        node: whose attachments these are.

    Attributes:
        attached: names of the volumes that are attached here.
        ran: names of the scripts that were run, with their volume.
        idle: scripts that end well and do nothing.
    """

    def __init__(self, array: Array, node: str) -> None:
        self.array = array
        self.attached: set[str] = set()
        self.failing: dict[str, str] = {}
        self.idle: set[str] = set()
        self.ran: list[tuple[str, str]] = []
        self._node = node

    def size_of(self, path: str, *, exclusive: bool = False) -> int:
        """As :func:`~pyganeti.node.storage.device.device_size`."""
        name = path.removeprefix(_DEVICES)
        if name not in self.attached or name not in self.array.volumes:
            raise StorageError(f"{path}: No such file or directory")
        return self.array.volumes[name] * MIB

    def boot(self) -> None:
        """The node starts anew: nothing is attached, and it writes nowhere."""
        self.attached.clear()
        for nodes in self.array.opened.values():
            nodes.pop(self._node, None)

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        script, env = os.path.basename(command.argv[0]), command.env or {}
        name = env.get("VOL_NAME", "")
        self.ran.append((script, name))
        refused = self.failing.get(script)
        said = ""
        if refused is None and script not in self.idle:
            refused = self._refusal(script, name, env)
            if refused is None:
                said = self._do(script, name, env)
        if refused is None:
            return Finished(0, said, "")
        if command.output is not None:
            append(command.output, f"{refused}\n")
            raise ProcessError(command, "exit code 1", Finished(1, "", ""))
        raise ProcessError(command, f"exit code 1: {refused}", Finished(1, "", refused))

    def _refusal(self, script: str, name: str, env: Mapping[str, str]) -> str | None:
        """Why a script fails."""
        volumes = self.array.volumes
        if script == "verify":
            colour = env.get("EXTP_COLOUR", "grey")
            return None if colour in ("grey", "red") else f"there is no colour {colour}"
        new = {"create": name, "snapshot": env.get("VOL_SNAPSHOT_NAME")}.get(script)
        if new in volumes:
            return f"volume {new} exists already"
        if script != "create" and script != "detach" and name not in volumes:
            return f"volume {name} does not exist"
        if script == "remove" and (self.array.opened.get(name) or name in self.attached):
            return f"volume {name} is in use"
        if script == "open":
            others = {**self.array.opened.get(name, {})}
            others.pop(self._node, None)
            if others and (_is_exclusive(env) or any(others.values())):
                return f"volume {name} is open on {', '.join(others)}"
        wanted = {
            "create": int(env.get("VOL_SIZE", 0)),
            "grow": int(env.get("VOL_NEW_SIZE", 0)) - volumes.get(name, 0),
            "snapshot": int(env.get("VOL_SNAPSHOT_SIZE", 0)),
        }.get(script, 0)
        free = self.array.capacity - sum(volumes.values())
        return f"{wanted} MiB do not fit, {free} MiB are free" if wanted > free else None

    def _do(self, script: str, name: str, env: Mapping[str, str]) -> str:
        """Do it; what it prints."""
        array = self.array
        match script:
            case "create":
                array.volumes[name] = int(env["VOL_SIZE"])
                array.parameters[name] = {
                    key: value for key, value in env.items() if key.startswith("EXTP_")
                }
            case "snapshot":
                array.volumes[env["VOL_SNAPSHOT_NAME"]] = array.volumes[name]
            case "grow":
                array.volumes[name] = int(env["VOL_NEW_SIZE"])
            case "remove":
                for book in (array.volumes, array.info, array.parameters):
                    book.pop(name, None)
            case "setinfo":
                array.info[name] = env["VOL_METADATA"]
            case "attach":
                self.attached.add(name)
                return f"{_DEVICES}{name}\nfake:array:{name}\n"
            case "detach":
                self.attached.discard(name)
            case "open":
                array.opened.setdefault(name, {})[self._node] = _is_exclusive(env)
            case "close":
                array.opened.get(name, {}).pop(self._node, None)
        return ""


def _is_exclusive(env: Mapping[str, str]) -> bool:
    return env["VOL_OPEN_EXCLUSIVE"] == "True"


def write_provider(directory: str, without: str) -> None:
    """Make the provider's directory below one of the search path, without one of its scripts."""
    path = os.path.join(directory, PROVIDER)
    os.makedirs(path)
    for script in SCRIPTS:
        if script != without:
            os.close(os.open(os.path.join(path, script), os.O_CREAT | os.O_WRONLY, 0o700))
    with open(os.path.join(path, "parameters.list"), "w", encoding="ascii") as handle:
        handle.write("colour which one\npool where\n")
