"""What a command says and returns when something failed: one table.

    error -> (exit code, text for standard error)

Source: the exit codes of Ganeti's constants; the texts its commands print.
"""

from collections.abc import Callable
from typing import Final

from pyganeti.model import errors
from pyganeti.wire.luxi.client import LuxiClosed, LuxiPermissionError, LuxiTimeout

OK: Final = 0
FAILURE: Final = 1
CORRUPT_CONFIG: Final = 2
NOT_CLUSTER: Final = 5
NOT_MASTER: Final = 11
NODE_SETUP_ERROR: Final = 12
CONFIRMATION: Final = 13
UNKNOWN_FIELD: Final = 14


class JobSubmitted(Exception):
    """Not a failure: the job was submitted and is not waited for. Argument: its id."""


class NodeSetupError(errors.GenericError):
    """A node could not be prepared for the cluster."""


class NotConfirmed(errors.GenericError):
    """The user did not agree."""


class NotBuilt(errors.GenericError):
    """A command or option that exists, but does nothing yet."""


_Text = Callable[[errors.GenericError], str]


def _prerequisites(err: errors.GenericError) -> str:
    head = "Failure: prerequisites not met for this operation:\n"
    if len(err.args) == 2:
        return f"{head}error type: {err.args[1]}, error details:\n{err.args[0]}"
    return head + str(err)


def _hooks(err: errors.GenericError) -> str:
    lines = ["Failure: hooks execution failed:"]
    try:
        results = [(node, script, output) for node, script, output in err.args[0]]
    except (TypeError, ValueError, IndexError):
        return f"Failure: hooks execution failed: {err}"  # not as our master says it
    for node, script, output in results:
        end = f"output: {output}" if output else "(no output)"
        lines.append(f"  node: {node}, script: {script}, {end}")
    return "\n".join(lines)


def _first(err: errors.GenericError) -> object:
    return err.args[0] if err.args else "?"


def _resolver(err: errors.GenericError) -> str:
    why = f": {err.args[-1]}" if len(err.args) > 1 else ""
    return f"Failure: can't resolve hostname '{_first(err)}'{why}"


def _no_master(err: errors.GenericError) -> str:
    path = str(err)
    if path.endswith("/ganeti-master"):
        what = "the master daemon"
    elif path.endswith("/ganeti-query"):
        what = "the query socket of the master daemon"
    else:
        what = f"socket '{path}'"
    return f"Cannot communicate with {what}.\nIs the process running and listening for connections?"


def _timeout(err: errors.GenericError) -> str:
    return (
        "Timeout while talking to the master daemon. Jobs may have been submitted and go on all the"
        ' same: see "gnt-job list", "gnt-job watch" and "gnt-job cancel". Error:\n'
        f"{err}"
    )


def _closed(err: errors.GenericError) -> str:
    return (
        "The master daemon ended the connection: it stops, or was restarted. Jobs that were"
        ' submitted stay in the queue: see "gnt-job list" and "gnt-job watch". Error:\n'
        f"{err}"
    )


def _not_master(err: errors.GenericError) -> str:
    return (
        f"This is not the master node, please connect to node '{_first(err)}' and rerun the command"
    )


def _says(form: str) -> _Text:
    return form.format


# The first class that fits decides: subclasses stand before their bases.
_TABLE: Final[tuple[tuple[type[errors.GenericError], int, _Text], ...]] = (
    (NotBuilt, FAILURE, _says("{}")),
    (NotConfirmed, CONFIRMATION, _says("{}")),
    (NodeSetupError, NODE_SETUP_ERROR, _says("Failure: {}")),
    (errors.NotClusterError, NOT_CLUSTER, _says("{}")),
    (errors.NotMasterError, NOT_MASTER, _not_master),
    (errors.NoMasterError, FAILURE, _no_master),
    (LuxiTimeout, FAILURE, _timeout),
    (LuxiClosed, FAILURE, _closed),
    (
        LuxiPermissionError,
        FAILURE,
        _says("You have no permission to connect to the master daemon ({}); use another user."),
    ),
    (errors.LuxiError, FAILURE, _says("Protocol error while talking to the master daemon:\n{}")),
    (errors.StoreConflict, FAILURE, _says("Failure: {}")),
    (errors.StoreUnwritable, FAILURE, _says("Failure: {}")),
    (errors.ConfigurationError, CORRUPT_CONFIG, _says("Corrupt configuration: {}\nAborting.")),
    (errors.HooksAbort, FAILURE, _hooks),
    (errors.HooksFailure, FAILURE, _says("Failure: hooks general failure: {}")),
    (errors.ResolverError, FAILURE, _resolver),
    (errors.OpPrereqError, FAILURE, _prerequisites),
    (errors.OpExecError, FAILURE, _says("Failure: command execution error:\n{}")),
    (errors.TagError, FAILURE, _says("Failure: invalid tag(s) given:\n{}")),
    (
        errors.JobQueueDrainError,
        FAILURE,
        _says("Failure: the job queue is marked for drain and doesn't accept new requests"),
    ),
    (errors.JobQueueFull, FAILURE, _says("Failure: the job queue is full, archive old jobs first")),
    (errors.JobLost, FAILURE, _says("Error checking job status: {}")),
    (errors.JobCanceled, FAILURE, _says("Failure: {}")),
    (errors.ParameterError, FAILURE, _says("Parameter Error: {}")),
    (errors.UnitParseError, FAILURE, _says("Parameter Error: {}")),
    (
        errors.QueryFilterParseError,
        FAILURE,
        _says("Error while parsing query filter: {}"),
    ),
    (errors.GenericError, FAILURE, _says("Failure: {}")),
)


def describe(err: errors.GenericError) -> tuple[int, str]:
    """Exit code and text for ``err``."""
    for kind, code, text in _TABLE:
        if isinstance(err, kind):
            return code, text(err)
    raise AssertionError("GenericError ends the table")
