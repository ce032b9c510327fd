"""``cfgupgrade``: upgrades ``config.data`` of Ganeti 2.7 to 3.1, or downgrades to 3.0.

Run by people on the master, with all daemons stopped, before Ganeti's or our master is started on
the file. Source: the options of Ganeti's tool of this name.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.ids import SystemIds
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import own_hostname
from pyganeti.model.errors import GenericError
from pyganeti.model.versions import CONFIG_VERSION, PREVIOUS_CONFIG_VERSION
from pyganeti.tools import services
from pyganeti.tools.adoption import kept_digests
from pyganeti.tools.config_file import Config, problems, read_config, replace_config
from pyganeti.tools.ending import ended

from .convert import check_version, downgraded, upgraded, version_text

OK: Final = 0
FAILURE: Final = 1
_QUESTION: Final = """\
All daemons of the cluster must have been stopped. config.data is going to be {what};
a backup is kept beside it. Type yes to go on: """


class Refused(GenericError):
    """Nothing was done."""


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    paths = Paths.from_env()
    parser = argparse.ArgumentParser(
        prog="cfgupgrade", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--dry-run", action="store_true", help="convert and check, write nothing")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("-d", "--debug", action="store_true", help="accepted, says nothing more")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is done")
    parser.add_argument(
        "--ignore-hostname", action="store_true", help="do not insist on running on the master"
    )
    parser.add_argument(
        "--path", metavar="DATA_DIR", default=paths.data_dir, help="directory of config.data"
    )
    parser.add_argument(
        "--confdir", metavar="CONF_DIR", default=paths.conf_dir, help="instead of /etc/ganeti"
    )
    parser.add_argument("--no-verify", action="store_true", help="do not check the result")
    parser.add_argument(
        "--downgrade",
        action="store_true",
        help=f"downgrade from {version_text(CONFIG_VERSION)} to"
        f" {version_text(PREVIOUS_CONFIG_VERSION)}",
    )
    return parser.parse_args(argv)


class Upgrade:
    """One run of the program.

    Args:
        options: of the command line.
        paths: this node.
    """

    def __init__(self, options: argparse.Namespace, paths: Paths) -> None:
        self._options = options
        self._paths = paths
        self._file = os.path.join(options.path, "config.data")

    def run(self) -> int:
        """Convert; the exit code.

        Raises:
            GenericError: nothing was changed.
            OSError: a file cannot be read or written.
        """
        options = self._options
        self._check_place()
        old = read_config(self._file)
        check_version(old, downgrade=options.downgrade)
        self._say(f"found version {version_text(old['version'])} in {self._file}")
        if not options.force and not options.dry_run and not self._confirmed():
            print("Aborted.", file=sys.stderr)
            return FAILURE
        new = downgraded(old) if options.downgrade else upgraded(old, SystemIds(), now())
        if options.downgrade and (digests := kept_digests(self._paths)):
            # Of the certificates that nodes are given back when the package is removed.
            new["cluster"]["candidate_certs"] = digests
        found = [] if options.no_verify or options.downgrade else problems(new)
        if not options.dry_run:
            self._write(new, has_changed=new != old)
        return self._report(new["version"], found)

    def _check_place(self) -> None:
        is_here = os.path.realpath(self._options.path) == os.path.realpath(self._paths.data_dir)
        if is_here and not self._options.dry_run:
            services.check_stopped(self._paths)
        if self._options.ignore_hostname:
            return
        place = os.path.join(self._options.path, "ssconf_master_node")
        master = (read_bytes(place) or b"").decode("utf-8", "replace").strip()
        if master != own_hostname(self._paths):
            raise Refused(
                f"this is {own_hostname(self._paths)}, the master is {master or 'not known'}:"
                " run it on the master, or with --ignore-hostname"
            )

    def _confirmed(self) -> bool:
        what = "downgraded" if self._options.downgrade else "upgraded"
        print(_QUESTION.format(what=what), end="", flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _write(self, config: Config, *, has_changed: bool) -> None:
        """Write what has changed; the old file is kept first."""
        if has_changed:
            backup = replace_config(self._file, config)
            self._say(f"kept the old file as {backup}")
        self._move_users()
        self._allow_directories(config["cluster"])

    def _move_users(self) -> None:
        """Before 2.4 the users of the REST daemon stood elsewhere."""
        old = os.path.join(self._options.path, "rapi_users")
        new = os.path.join(self._options.path, "rapi", "users")
        if os.path.isfile(old) and not os.path.islink(old) and not os.path.exists(new):
            os.makedirs(os.path.dirname(new), mode=0o750, exist_ok=True)
            os.rename(old, new)
            os.symlink("rapi/users", old)
            self._say(f"moved {old} to {new}")

    # Any: JSON of any version.
    def _allow_directories(self, cluster: dict[str, Any]) -> None:
        """Before 2.7 nobody had to say where files of disks may lie."""
        place = os.path.join(self._options.confdir, "file-storage-paths")
        names = ("file_storage_dir", "shared_file_storage_dir", "gluster_storage_dir")
        wanted = [cluster[name] for name in names if cluster.get(name)]
        if os.path.exists(place) or not wanted or not os.path.isdir(self._options.confdir):
            return
        text = "".join(f"{line}\n" for line in ["# Written by cfgupgrade", *wanted])
        write_atomic(place, text.encode("utf-8"), mode=0o644)
        self._say(f"allowed {', '.join(wanted)} in {place}")

    def _report(self, version: int, found: list[str]) -> int:
        done = "would be" if self._options.dry_run else "is"
        for problem in found:
            print(f"cfgupgrade: {problem}", file=sys.stderr)
        text = f"The configuration {done} of version {version_text(version)} now"
        print(f"{text}, but contradicts itself: see above." if found else f"{text}.")
        if os.path.exists(os.path.join(self._options.path, "cluster.db")):
            print("Run 'ganeti-masterd --take-config-file' to make it the cluster's.")
        return FAILURE if found else OK

    def _say(self, text: str) -> None:
        if self._options.verbose:
            print(text, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    return ended("cfgupgrade", lambda: Upgrade(_options(argv), Paths.from_env()).run())


if __name__ == "__main__":
    sys.exit(main())
