"""Opcodes as clients send them: decoded, redacted, stored, shown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pyganeti.kit.nesting import is_too_deep
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.model.errors import GenericError
from pyganeti.opcodes.codec import decode, encode, has_redacted, has_secrets, redact
from pyganeti.opcodes.registry import OPCODES

from .checks import PASSWORD, Unexpected, check_secret, compact, is_secret, refused

_FACTS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "spec" / "opcodes.json").read_text()
)
_NAMES: Final = {"instance_name": "web1", "node_name": "node2", "group_name": "default"}
_VALUES: Final[dict[str, Any]] = {
    "instances": ["web1"],
    "nodes": ["node1"],
    "disks": [{"size": 1024, "name": "d"}],
    "nics": [{"ip": "192.0.2.7", "mode": "bridged", "link": "br0", "mac": "auto"}],
    "osparams": {"a": "b"},
    "osparams_private": {"key": PASSWORD},
    "osparams_secret": {"key": PASSWORD},
    "hvparams": {"kernel_path": "/vmlinuz"},
    "beparams": {"memory": 128, "vcpus": 1},
    "tags": ["a"],
    "depends": [[-1, ["success"]]],
    "reason": [["gnt:client", "why", 1]],
    "duration": 1.5,
    "kind": "instance",
    "name": "web1",
    "mode": "create",
    "what": "node",
    "fields": ["name"],
    "qfilter": ["=", "name", "node1"],
    "disk_template": "file",
    "os_type": "micro+default",
}


def example(op_id: str) -> dict[str, Any]:  # Any: JSON
    """An opcode with everything that has an obvious value."""
    made: dict[str, Any] = {"OP_ID": op_id}
    for param in [*_FACTS[op_id]["params"], *_FACTS["_common_params"]]:
        name = param["name"]
        if name in _VALUES or name in _NAMES:
            made[name] = _VALUES.get(name, _NAMES.get(name))
        elif "default" in param:
            made[name] = param["default"]
    return made


class Opcodes:
    """See the module."""

    name = "opcodes"

    def seeds(self) -> Sequence[bytes]:
        """An example and a bare one of each."""
        ids = [op.op_id() for op in OPCODES]
        return [*(compact(example(name)) for name in ids), *(compact({"OP_ID": x}) for x in ids)]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Decode, and do what the queue does with it."""
        if is_too_deep(data):
            return "too deep"
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "no JSON"
        secret = is_secret(value)
        try:
            op = decode(value)
        except GenericError as err:
            return refused(err, secret=secret)
        self._stored(encode(op), secret=is_secret(value, private=False), private=secret)
        has_secrets(op)
        return f"{op.op_id()} {op.summary()[:20]}"

    def _stored(self, whole: dict[str, Any], *, secret: bool, private: bool) -> None:
        """Any: parameters."""
        job = Job(1, [QueuedOp(input=redact(whole))], (1, 2))
        stored = job.to_json()
        check_secret(stored.decode(), secret=secret)
        check_secret(job.to_export().decode(), secret=private)
        again = Job.from_json(stored)
        if again.to_json() != stored:
            raise Unexpected("a stored job reads otherwise")
        has_redacted(again.ops[0].input)
