"""What is asked and answered. Source: protocols.json, confd."""

from enum import IntEnum
from typing import Any, Final

import msgspec

PROTOCOL: Final = 1


class Query(IntEnum):
    """What can be asked."""

    PING = 0
    NODE_ROLE_BY_NAME = 1
    NODE_PIP_BY_INSTANCE_IP = 2
    CLUSTER_MASTER = 3
    NODE_PIP_LIST = 4
    MC_PIP_LIST = 5
    INSTANCES_IPS_LIST = 6
    NODE_DRBD = 7
    NODE_INSTANCES = 8
    INSTANCE_DISKS = 9
    CONFIG_QUERY = 10
    DATA_COLLECTORS = 11


class Status(IntEnum):
    """What became of a question."""

    OK = 0
    ERROR = 1
    NOT_IMPLEMENTED = 2


class Trouble(IntEnum):
    """What is wrong, where an answer says it by number."""

    UNKNOWN_ENTRY = 0
    INTERNAL = 1
    ARGUMENT = 2


class Role(IntEnum):
    """Roles of nodes."""

    MASTER = 0
    CANDIDATE = 1
    OFFLINE = 2
    DRAINED = 3
    REGULAR = 4


class Field(IntEnum):
    """What can be asked of the master."""

    NAME = 0
    IP = 1
    MNODE_PIP = 2


class Details(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question's argument where it has several parts; its keys are numbers."""

    link: str | None = msgspec.field(name="0", default=None)
    ip: str | None = msgspec.field(name="1", default=None)
    ips: tuple[str, ...] = msgspec.field(name="2", default=())
    fields: tuple[Field, ...] = msgspec.field(name="3", default=())


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A question.

    Attributes:
        protocol: whose version nobody has ever raised.
        type: a :class:`Query`; a number that is none gets an answer, too.
        query: ``None``, a text or :class:`Details`.
        rsalt: salt of the answer, by which the client knows it.
    """

    type: int
    rsalt: str
    protocol: int = PROTOCOL
    # Any: checked by what answers, so that a wrong one gets an answer.
    query: Any = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer.

    Attributes:
        answer: what was asked for; with an error a :class:`Trouble` or a text.
        serial: of what was looked at; the newest of several answers counts. 0 with errors.
    """

    protocol: int = PROTOCOL
    status: Status = Status.OK
    # Any: each kind of question has its own.
    answer: Any = None
    serial: int = 0
