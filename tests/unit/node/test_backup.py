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


# --- being made


def made(place: Path, name: str = "web1", text: str = "new") -> ExportStore:
    """A store with a complete export that is not published yet."""
    store = ExportStore(str(place))
    path = store.begin(name)
    Path(path("dump")).write_bytes(b"12345")
    store.finish(name, {"config.ini": text}, {"dump": 5, "empty": 0})
    return store


def content(place: Path) -> dict[str, list[str]]:
    """Directories, with the files in each."""
    return {one.name: sorted(file.name for file in one.iterdir()) for one in place.iterdir()}


WHOLE = ["config.ini", "dump", "empty"]


def test_one_that_is_made_is_hidden_until_it_is_published(tmp_path: Path) -> None:
    store = made(tmp_path)
    assert store.names() == ()
    for _ in range(2):
        store.publish("web1")
        assert store.names() == ("web1",)
    for _ in range(2):
        store.settle("web1")
        assert content(tmp_path) == {"web1": WHOLE}


def test_only_root_can_read_it(tmp_path: Path) -> None:
    made(tmp_path).publish("web1")
    assert (tmp_path / "web1").stat().st_mode & 0o777 == 0o700
    for file in WHOLE[:1] + WHOLE[2:]:
        assert (tmp_path / "web1" / file).stat().st_mode & 0o777 == 0o600


def test_the_older_one_stays_until_it_is_settled(tmp_path: Path) -> None:
    put(tmp_path, "web1")
    store = made(tmp_path)
    assert content(tmp_path)["web1"] == ["config.ini"]
    store.publish("web1")
    assert content(tmp_path) == {"web1": WHOLE, ".web1.old": ["config.ini"]}
    store.settle("web1")
    assert content(tmp_path) == {"web1": WHOLE}


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("steps", range(4))
def test_at_each_step_it_can_be_abandoned(tmp_path: Path, steps: int, older: bool) -> None:
    if older:
        put(tmp_path, "web1")
    before = content(tmp_path)
    store = ExportStore(str(tmp_path))
    if steps >= 1:
        store.begin("web1")
    if steps >= 2:
        store.finish("web1", {"config.ini": "new"}, {})
    if steps >= 3:
        store.publish("web1")
    for _ in range(2):
        store.abandon("web1")
        assert content(tmp_path) == before


@pytest.mark.parametrize("older", [False, True])
def test_publishing_that_was_cut_off_can_be_abandoned_and_completed(
    tmp_path: Path, older: bool
) -> None:
    if older:
        put(tmp_path, ".web1.old")
    else:
        (tmp_path / ".web1.old").mkdir()
    put(tmp_path, ".web1.new")
    store = ExportStore(str(tmp_path))
    store.publish("web1")
    assert content(tmp_path)["web1"] == ["config.ini"]
    (tmp_path / "web1").rename(tmp_path / ".web1.new")
    store.abandon("web1")
    assert content(tmp_path) == ({"web1": ["config.ini"]} if older else {})


def test_one_that_is_settled_is_not_abandoned(tmp_path: Path) -> None:
    store = made(tmp_path)
    store.publish("web1")
    store.settle("web1")
    store.abandon("web1")
    assert store.names() == ("web1",)


def test_beginning_again_starts_from_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    put(tmp_path, ".web1.old")
    ExportStore(str(tmp_path)).begin("web1")
    assert content(tmp_path) == {".web1.new": [], "web1": ["config.ini"]}


def test_a_dump_that_is_not_whole_is_an_error(tmp_path: Path) -> None:
    store = ExportStore(str(tmp_path))
    path = store.begin("web1")
    Path(path("dump")).write_bytes(b"1234")
    with pytest.raises(OpExecError, match="has 4 bytes, 5 were sent"):
        store.finish("web1", {}, {"dump": 5})
    with pytest.raises(OpExecError, match="other"):
        store.finish("web1", {}, {"other": 5})


@pytest.mark.parametrize("file", ["", ".x", "../x", "a/b"])
def test_files_lie_in_their_export(tmp_path: Path, file: str) -> None:
    path = ExportStore(str(tmp_path)).begin("web1")
    with pytest.raises(OpExecError, match="no name of a file"):
        path(file)


# --- being read


def test_an_export_is_read_with_sizes_and_checksums(tmp_path: Path) -> None:
    directory = put(tmp_path, "web1")
    (directory / "dump").write_bytes(b"12345")
    (directory / "SHA256SUMS").write_text("aa  dump\nnonsense\n\nbb  name with  blanks\n")
    config, sizes, sums = ExportStore(str(tmp_path)).read("web1")
    assert config == "[export]\n"
    assert sizes == {"config.ini": 9, "dump": 5, "SHA256SUMS": 41}
    assert sums == {"dump": "aa", "name with  blanks": "bb"}


def test_one_of_ganetis_has_no_checksums(tmp_path: Path) -> None:
    put(tmp_path, "web1")
    assert ExportStore(str(tmp_path)).read("web1")[2] == {}


def test_an_export_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    store = ExportStore(str(tmp_path))
    (tmp_path / "old").mkdir()
    inner = put(tmp_path / "old", "web1")
    assert store.path("old/web1") == store.path(str(inner)) == str(inner)


@pytest.mark.parametrize("text", ["", ".", "..", "/etc", "../outside", "link", "missing", "empty"])
def test_what_is_no_export_below_is_not_read(tmp_path: Path, text: str) -> None:
    exports = tmp_path / "exports"
    (exports / "empty").mkdir(parents=True)
    (exports / "link").symlink_to(put(tmp_path, "outside"))
    with pytest.raises(OpExecError):
        ExportStore(str(exports)).read(text)
