"""Every error of the system, in one tree.

The class names are part of the LUXI protocol: an error travels as ``[class name, arguments]`` and
is raised again by the client under the same name. ``to_wire`` and ``from_wire`` are the two ends.

    GenericError
    ├── OpPrereqError            refused, nothing changed (arguments: text, error code)
    ├── OpExecError              failed after it began; undone, leftovers listed
    ├── OpResultError            an opcode's result has the wrong shape
    ├── OpCodeUnknown            no such opcode
    ├── ParameterError           a parameter has the wrong type or value
    │   └── TypeEnforcementError a value of a parameter set has the wrong type
    ├── UnitParseError           not a size
    ├── ParseError               not in the format expected
    │   └── QueryFilterParseError
    ├── ConfigurationError       the configuration contradicts itself or cannot be read
    │   ├── ConfigVersionMismatch
    │   ├── StoreCorrupt         the database is damaged
    │   ├── StoreUnwritable      the database cannot be written now: a full disk
    │   ├── StoreConflict        somebody else changed the object first (compare-and-set lost)
    │   └── ConfigFileChanged    config.data was edited by hand
    ├── ReservationError         a MAC, IP, port or minor is taken
    │   └── AddressPoolError
    ├── ResolverError            a host name has no address
    ├── TagError
    ├── JobQueueError
    │   ├── JobQueueDrainError   the queue takes no new jobs
    │   ├── JobQueueFull
    │   └── JobLost              no such job
    ├── JobCanceled
    ├── LockError
    ├── HooksFailure / HooksAbort
    ├── NodeCallError            a node refused or failed a call; carries the node's name
    │   ├── NodeUnreachable      never sent: nothing happened there
    │   ├── CallTimeout          the answer was lost: what happened is unknown, never "no"
    │   └── StaleEpoch           the node obeys a newer master
    ├── HypervisorError
    ├── BlockDeviceError
    │   └── StorageError
    │       └── FileStoragePathError
    ├── NetworkError             a bridge is missing, a tap cannot be made
    ├── InvalidOS                an OS definition is missing or broken
    ├── CommandError             a program could not be run or failed
    ├── LuxiError                the master daemon cannot be reached or broke the protocol
    │   └── NoMasterError        nothing listens on the socket
    ├── NotMasterError           this node is not the master
    ├── NotClusterError          this node belongs to no cluster
    └── ProgrammerError          a bug in this program

Source: class names and argument shapes as listed in the protocol facts (LUXI error classes).
"""

from enum import StrEnum
from typing import Final


class ECode(StrEnum):
    """Classification of an :class:`OpPrereqError`; the second argument on the wire."""

    RESOLVER = "resolver_error"
    NORES = "insufficient_resources"
    TEMP_NORES = "temp_insufficient_resources"
    INVAL = "wrong_input"
    STATE = "wrong_state"
    NOENT = "unknown_entity"
    EXISTS = "already_exists"
    NOTUNIQUE = "resource_not_unique"
    FAULT = "internal_error"
    ENVIRON = "environment_error"


class GenericError(Exception):
    """Base of all errors a user may see; ``args`` is what travels."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else self.__class__.__name__


class OpPrereqError(GenericError):
    """An operation was refused and nothing was changed."""

    def __init__(self, message: str, code: ECode | str = ECode.INVAL) -> None:
        super().__init__(message, str(code))

    @property
    def code(self) -> ECode:
        """Why it was refused."""
        return ECode(self.args[1])


class OpExecError(GenericError):
    """An operation failed after it began; what it did was undone, leftovers are listed."""


class OpResultError(GenericError):
    """An operation's result has not the declared shape."""


class OpCodeUnknown(GenericError):
    """No opcode of this name."""


class ParameterError(GenericError):
    """A parameter has a wrong type or value; names it, the value and what was expected."""


class TypeEnforcementError(ParameterError):
    """A value of a parameter set has the wrong type."""


class UnitParseError(GenericError):
    """A text is not a size."""


class ParseError(GenericError):
    """A text is not in the expected format."""


class QueryFilterParseError(ParseError):
    """A query filter is not well-formed."""


class ConfigurationError(GenericError):
    """The configuration contradicts itself, or cannot be read or written."""


class ConfigVersionMismatch(ConfigurationError):
    """The configuration is of another version; arguments: expected, found."""


class StoreCorrupt(ConfigurationError):
    """The database is damaged and was left untouched."""


class StoreUnwritable(ConfigurationError):
    """The machine refused to write the database; nothing was changed, and it stays usable."""


class StoreConflict(ConfigurationError):
    """Compare-and-set lost: the configuration moved on."""


class StoreFenced(ConfigurationError):
    """The store obeys a newer term than ours: we are no longer the master."""


class ConfigFileChanged(ConfigurationError):
    """``config.data`` is not the one we wrote last."""


class ReservationError(GenericError):
    """A MAC, IP address, port or minor is taken already."""


class AddressPoolError(ReservationError):
    """A network has no such address, or none left."""


class ResolverError(GenericError):
    """A host name cannot be resolved; arguments: name, code, text."""

    def __str__(self) -> str:
        if len(self.args) == 3:
            return f"can't resolve host {self.args[0]!r}: {self.args[2]}"
        return super().__str__()


class TagError(GenericError):
    """A tag is malformed, or there are too many."""


class JobQueueError(GenericError):
    """The job queue refused."""


class JobQueueDrainError(JobQueueError):
    """The job queue is drained and takes no new jobs."""


class JobQueueFull(JobQueueError):
    """The job queue is full."""


class JobLost(JobQueueError):
    """There is no such job."""


class JobCanceled(GenericError):
    """The job was cancelled."""


class LockError(GenericError):
    """A lock was used against its rules."""


class HooksFailure(GenericError):
    """A hook could not be run."""


class HooksAbort(HooksFailure):
    """A pre-hook failed and stopped the operation; argument: [[node, script, output], ...]."""


class NodeCallError(GenericError):
    """A node refused or failed a call. The message names the node."""


class NodeUnreachable(NodeCallError):
    """The call was never sent, so nothing happened on the node."""


class CallTimeout(NodeCallError):
    """The answer was lost: whether the call took effect is unknown."""


class StaleEpoch(NodeCallError):
    """The node obeys a newer master; arguments: text, the node's epoch."""


class HypervisorError(GenericError):
    """A hypervisor refused or failed."""


class BlockDeviceError(GenericError):
    """A disk could not be created, assembled, grown or removed."""


class StorageError(BlockDeviceError):
    """A storage unit refused or failed."""


class FileStoragePathError(StorageError):
    """A path lies outside the directories allowed for file storage."""


class NetworkError(GenericError):
    """A bridge is missing, or an interface cannot be configured."""


class InvalidOS(GenericError):
    """An OS definition is missing or broken; arguments: name, path or None, text."""

    def __str__(self) -> str:
        return str(self.args[2]) if len(self.args) == 3 else super().__str__()


class CommandError(GenericError):
    """A program could not be run, failed, or took too long."""


class LuxiError(GenericError):
    """The master daemon cannot be reached, or an answer was malformed."""


class NoMasterError(LuxiError):
    """Nothing listens on the master's socket."""


class NotMasterError(GenericError):
    """This node is not the master; argument: the master's name."""


class NotClusterError(GenericError):
    """This node belongs to no cluster."""


class ProgrammerError(GenericError):
    """A bug in this program."""


def _tree(root: type[GenericError]) -> dict[str, type[GenericError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


ERRORS: Final[dict[str, type[GenericError]]] = _tree(GenericError)


def to_wire(error: GenericError) -> list[object]:
    """``error`` as LUXI and node calls carry it: ``[class name, [argument, ...]]``."""
    return [type(error).__name__, list(error.args)]


def from_wire(data: object) -> GenericError:
    """The error that ``data`` (see :func:`to_wire`) describes.

    Unknown classes become :class:`GenericError` with the first argument as text.
    """
    if (
        isinstance(data, list)
        and len(data) == 2
        and isinstance(data[0], str)
        and isinstance(data[1], list | tuple)
    ):
        cls, args = ERRORS.get(data[0], GenericError), tuple(data[1])
        error = cls.__new__(cls)
        error.args = args
        return error
    return GenericError(str(data))
