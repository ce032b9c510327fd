"""The blocking entry of ``gnt-cluster master-failover``; runs as root on a candidate."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, run
from pyganeti.kit.resolver import own_hostname
from pyganeti.master.failover.known import Known, read_known
from pyganeti.master.failover.takeover import Takeover, Wishes
from pyganeti.model.errors import ConfigurationError, OpExecError
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.probe import is_answered

_DAEMONS_S: Final = 180.0


def master_failover(
    paths: Paths, *, voting: bool, ignore_offline: bool, tell: Callable[[str], None]
) -> None:
    """Make this node the master.

    Args:
        paths: this node.
        voting: whether a majority of nodes must agree.
        ignore_offline: whether nodes marked offline count for nothing.
        tell: prints a line for the operator.

    Raises:
        NotClusterError: this node belongs to no cluster.
        OpPrereqError: it may not become the master; nothing was changed.
        OpExecError: it could not become the master.
    """
    known = read_known(paths, own_hostname(paths))
    known.check_may_take_over()
    wishes = Wishes(voting=voting, ignore_offline=ignore_offline)
    asyncio.run(_take_over(paths, known, wishes, tell))


async def _take_over(
    paths: Paths, known: Known, wishes: Wishes, tell: Callable[[str], None]
) -> None:
    try:
        context = tls.client_context(paths.client_pem, paths.ca_cert)
    except OSError as err:
        files = f"{paths.client_pem} and {paths.ca_cert}"
        raise ConfigurationError(f"no usable certificates in {files}: {tls.reason(err)}") from err
    clock = SystemClock()
    async with HttpNodeClient(context, clock) as client:
        takeover = Takeover(
            client,
            clock,
            known,
            wishes,
            number=secrets.randbelow(2**31) + 1,
            old_config=read_bytes(paths.config_file),
            start=_start,
            answers=is_answered,
            tell=tell,
        )
        await takeover.run()


async def _start(voting: bool) -> None:
    """Start the master's daemons with our own tool, in a process: the layers forbid its import."""
    words = [] if voting else ["--", "--no-voting", "--yes-do-it"]
    for argv in (["start", "ganeti-masterd", *words], ["start-master"]):
        command = Command(
            (sys.executable, "-m", "pyganeti.tools.daemon_util", *argv),
            env=dict(os.environ),
            timeout_s=_DAEMONS_S,
        )
        try:
            await run(command)
        except ProcessError as err:
            raise OpExecError(
                f"this node is the master now, but its daemons do not start: {err}"
            ) from err
