"""Which paths disks may have."""

from pathlib import Path

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.model.errors import FileStoragePathError
from pyganeti.node.storage.whitelist import Whitelist, is_forbidden, parse


def whitelist(root: Path, *lines: str) -> Whitelist:
    paths = Paths(str(root), root.name)
    file = Path(paths.file_storage_paths)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines))
    return Whitelist(paths)


def test_comments_and_blank_lines_are_dropped() -> None:
    assert parse("# a\n\n/srv/a/\n  /srv/b  \n") == ("/srv/a", "/srv/b")


@pytest.mark.parametrize("path", ["/", "/etc", "/etc/ganeti", "/usr/lib/x", "/bin", "/dev/shm"])
def test_directories_of_the_system_are_forbidden(path: str) -> None:
    assert is_forbidden(path)


@pytest.mark.parametrize("path", ["/srv", "/srv/ganeti", "/var/lib/images", "/data"])
def test_other_directories_are_not(path: str) -> None:
    assert not is_forbidden(path)


def test_a_path_below_an_allowed_directory_gets_the_nodes_root(tmp_path: Path) -> None:
    allowed = whitelist(tmp_path, "/srv/disks")
    assert allowed.check("/srv/disks/web1/0") == f"{tmp_path}/srv/disks/web1/0"
    assert allowed.check(f"{tmp_path}/srv/disks/web1/0") == f"{tmp_path}/srv/disks/web1/0"


@pytest.mark.parametrize(
    "path",
    [
        "/srv/disks",
        "/srv/disks2/x",
        "/srv/disks/../x",
        "srv/disks/x",
        "/etc/passwd",
        "/srv//disks/x",
    ],
)
def test_other_paths_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(FileStoragePathError):
        whitelist(tmp_path, "/srv/disks").check(path)


def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    allowed = whitelist(tmp_path, "/srv/disks")
    (tmp_path / "srv" / "disks").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "srv" / "disks" / "web1").symlink_to(tmp_path / "outside")
    with pytest.raises(FileStoragePathError):
        allowed.check("/srv/disks/web1/0")


def test_a_forbidden_entry_allows_nothing_and_is_told(tmp_path: Path) -> None:
    allowed = whitelist(tmp_path, "/etc", "relative", "/srv/disks")
    assert allowed.forbidden() == ("/etc", "relative")
    with pytest.raises(FileStoragePathError):
        allowed.check("/etc/disks/x")


def test_without_a_list_nothing_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(FileStoragePathError, match="file-storage-paths"):
        Whitelist(Paths(str(tmp_path), tmp_path.name)).check("/srv/x/y")
