"""The directories of a node, against the facts."""

import json
import stat
from pathlib import Path

from pyganeti.kit.paths import Paths
from pyganeti.tools.layout import DIRECTORIES, FILES, GROUPS, USERS, ensure_directories
from pyganeti.tools.services import SERVICES

SPEC = json.loads((Path(__file__).parents[2] / "spec" / "layout.json").read_text())


def test_modes_and_owners_are_those_of_the_facts() -> None:
    ours = {entry.path: entry for entry in DIRECTORIES}
    checked = 0
    for fact in SPEC["entries"]:
        path = fact["path"].replace("{localstatedir}", "/var")
        if fact["kind"] == "directory" and path in ours:
            entry = ours[path]
            assert (oct(entry.mode)[2:], entry.user, entry.group) == (
                fact["mode_octal"], fact["user"], fact["group"],
            ), path  # fmt: skip
            checked += 1
    assert checked >= 18


def test_roles_have_users_and_groups() -> None:
    assert {entry.user for entry in DIRECTORIES} <= set(USERS)
    assert {entry.group for entry in DIRECTORIES} <= set(GROUPS)
    assert all(SPEC["_meta"]["users"][role] == user for role, user in USERS.items())
    assert all(SPEC["_meta"]["groups"][role] == group for role, group in GROUPS.items())


def test_a_virtual_node_gets_them_all_and_a_wrong_mode_is_corrected(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path / "node1"), "node1")
    ensure_directories(paths)
    Path(paths.queue_dir).chmod(0o777)
    ensure_directories(paths)
    for entry in DIRECTORIES:
        mode = (tmp_path / "node1" / entry.path[1:]).stat().st_mode
        assert stat.S_IMODE(mode) == entry.mode


def test_files_of_the_facts_have_their_modes_and_owners() -> None:
    ours = {f"{top}/{name}": kind for top, kinds in FILES.items() for name, kind in kinds.items()}
    checked = 0
    for fact in SPEC["entries"]:
        path = fact["path"].replace("{localstatedir}", "/var").replace("<key>", "*")
        path += "/*" if fact["kind"] == "files inside directory" else ""
        if path in ours:
            wanted = int(fact["mode_octal"], 8), fact["user"], fact["group"]
            assert tuple(ours[path]) == wanted, path
            checked += 1
    assert checked >= 20


def test_every_daemon_plays_a_role_that_has_a_user() -> None:
    for service in SERVICES:
        assert SPEC["_meta"]["users"][service.role] == USERS[service.role], service.name
