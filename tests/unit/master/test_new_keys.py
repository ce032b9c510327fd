"""New keys: whose they are."""

import json
import os
import stat
from pathlib import Path

from pyganeti.kit.paths import Paths
from pyganeti.master.new_keys import NewKeys, places, write

SPEC = Path(__file__).parents[2] / "spec"


def test_owners_and_modes_are_those_of_the_layout() -> None:
    layout = json.loads((SPEC / "layout.json").read_text())
    users, groups = layout["_meta"]["users"], layout["_meta"]["groups"]
    wanted = {
        entry["path"].replace("{localstatedir}", "/var"): (
            int(entry["mode_octal"], 8),
            users[entry["user"]],
            groups[entry["group"]],
        )
        for entry in layout["entries"]
    }
    found = {path: tuple(place) for path, place in places(Paths()).items()}
    own = {Paths().ca_next: (0o400, "gnt-masterd", "gnt-masterd")}
    assert found == {**{path: wanted[path] for path in found.keys() - own.keys()}, **own}


def test_files_are_replaced_whole_with_their_modes(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path), "node1")
    os.makedirs(paths.data_dir)
    Path(paths.hmac_key).write_bytes(b"an older and longer one")
    keys = NewKeys({paths.hmac_key: b"new", paths.ca_next: b"next"})
    assert "next" not in repr(keys)
    write(paths, keys)
    assert Path(paths.hmac_key).read_bytes() == b"new"
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (paths.hmac_key, paths.ca_next)]
    assert modes == [0o440, 0o400]
