"""Where a cluster comes from: the backend that the options name.

    Options -> read_cluster -> Cluster, or Stop with Ganeti's words

Source: htools(1), the backends; the order in which they are looked at is Ganeti's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Cluster
from pyganeti.htools.text import parse_text

from .context import Context, Stop
from .loads import parse_loads, with_loads
from .options import Options
from .simulate import simulate

_FAILED: Final = "failed to load data, aborting: "


def read_cluster(context: Context, options: Options) -> Cluster:
    """The cluster that ``options`` name, with the loads that they name.

    Raises:
        Stop: none or too many are named, it cannot be read, or it is not built yet.
    """
    loads = {}
    if options.dynu_file is not None:
        text = _contents(context, options.dynu_file)
        try:
            loads = parse_loads(text)
        except InputError as err:
            raise Stop(f"can't parse utilisation data: {err}") from err
    return with_loads(_backend(options)(context, options), loads)


def _backend(options: Options) -> Callable[[Context, Options], Cluster]:
    """The one backend that is wanted."""
    exclusive = (options.master, options.luxi, options.text_data)
    if sum(source is not None for source in exclusive) > 1:
        raise Stop("Only one of the rapi, luxi, and data files options should be given.")
    if options.master is not None or options.luxi is not None:
        return _running
    if options.simulate:
        return _simulated
    if options.text_data is not None:
        return _text
    if options.ialloc_src is not None:
        return _not_built("--ialloc-src")
    raise Stop(f"{_FAILED}No backend selected! Exiting.")


def _running(_context: Context, options: Options) -> Cluster:
    # TLS and HTTP take longer to load than a text file does.
    from .live import ask_master, ask_rest

    try:
        running = ask_rest(options.master) if options.master else ask_master(options.luxi or "")
    except InputError as err:
        raise Stop(f"{_FAILED}{err}") from err
    return running.counted(options.static_node_memory)


def _text(context: Context, options: Options) -> Cluster:
    text = _contents(context, options.text_data or "")
    try:
        return parse_text(text)
    except InputError as err:
        raise Stop(f"{_FAILED}{options.text_data}: {err}") from err


def _simulated(_context: Context, options: Options) -> Cluster:
    try:
        return simulate(options.simulate)
    except InputError as err:
        raise Stop(f"{_FAILED}{err}") from err


def _not_built(option: str) -> Callable[[Context, Options], Cluster]:
    """What refuses an option whose backend is still missing."""

    def refuse(_context: Context, _options: Options) -> Cluster:
        raise Stop(f"{_FAILED}{option} is not built yet in this version (pending)")

    return refuse


def _contents(context: Context, name: str) -> str:
    """The text of a file that the user named."""
    path: Path = context.directory / name
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as err:
        missing = "openFile: does not exist (No such file or directory)"
        raise Stop(f"{_FAILED}{name}: {missing}") from err
    except UnicodeDecodeError as err:
        raise Stop(f"{_FAILED}{name}: byte {err.start + 1} is not UTF-8") from err
    except OSError as err:
        raise Stop(f"{_FAILED}{name}: {err.strerror}") from err
