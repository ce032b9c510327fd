"""Exports on a node's disk."""

from pathlib import Path

import pytest

from pyganeti.model.errors import OpExecError
from pyganeti.node.exports import ExportStore


def put(place: Path, name: str) -> Path:
    """An export with a file."""
    directory = place / name
    directory.mkdir()
    (directory / "config.ini").write_text("[export]\n")
    return directory


def test_exports_are_listed_by_name_without_hidden_files(tmp_path: Path) -> None:
    for name in ("web2", "web10", ".web3.new"):
        put(tmp_path, name)
    assert ExportStore(str(tmp_path)).names() == ("web10", "web2")


def test_a_missing_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OpExecError, match="missing"):
        ExportStore(str(tmp_path / "missing")).names()


def test_one_is_removed_and_others_stay(tmp_path: Path) -> None:
    for name in ("web1", "web1.new", "web10"):
        put(tmp_path, name)
    store = ExportStore(str(tmp_path))
    store.remove("web1")
    store.remove("web1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web1.new", "web10"]


def test_what_a_removal_left_goes_with_the_next(tmp_path: Path) -> None:
    put(tmp_path, ".web1.gone")
    put(tmp_path, "web1")
    ExportStore(str(tmp_path)).remove("web1")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    elsewhere = put(tmp_path, "elsewhere")
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "web1").symlink_to(elsewhere)
    ExportStore(str(exports)).remove("web1")
    assert list(exports.iterdir()) == []
    assert (elsewhere / "config.ini").exists()


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "../web1", "/etc", "a/b", "a\0b"])
def test_what_is_no_name_of_an_export_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OpExecError, match="no name of an export"):
        ExportStore(str(tmp_path)).remove(name)


def test_one_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / ".web1.gone").write_text("no directory")
    with pytest.raises(OpExecError, match="web1"):
        ExportStore(str(tmp_path)).remove("web1")
