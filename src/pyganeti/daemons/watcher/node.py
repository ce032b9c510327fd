"""What the watcher does on every node: daemons that should run, and the site's own scripts."""

import asyncio
import logging
import os
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.node.hooks import HookRunner
from pyganeti.tools import services
from pyganeti.tools.layout import ensure_directories
from pyganeti.tools.services import ServiceError
from pyganeti.wire.noderpc.types import HookOutcome

_log = logging.getLogger(__name__)

# Below the hooks directory.
HOOKS: Final = "watcher"


def is_paused(paths: Paths, now: float) -> bool:
    """Whether the cluster's pause, which the master tells its nodes, still lasts."""
    text = (read_bytes(paths.watcher_pause) or b"").strip()
    try:
        return bool(text) and float(text) > now
    except ValueError:
        _log.warning("%s holds no time and counts for nothing", paths.watcher_pause)
        return False


def start_daemons(paths: Paths, *, master: bool) -> bool:
    """Start what belongs on this node and does not run; whether all of it runs now."""
    ensure_directories(paths)
    well = True
    for service in services.starting_services(master=master):
        if services.is_running(paths, service):
            continue
        _log.warning("%s does not run and is started", service.name)
        try:
            services.start(paths, service, services.get_executable(service), [])
        except ServiceError as err:
            _log.error("%s", err)
            well = False
    return well


def run_hooks(paths: Paths) -> None:
    """Run the scripts of ``hooks/watcher``; what they print goes to the log."""
    runner = HookRunner(paths.hooks_dir, os.geteuid())
    for result in asyncio.run(runner.run_all(HOOKS, {}, run)):
        if result.outcome is HookOutcome.FAIL:
            _log.error("hook %s failed: %s", result.script, result.output)
        elif result.outcome is HookOutcome.SUCCESS and result.output:
            _log.info("hook %s: %s", result.script, result.output)
