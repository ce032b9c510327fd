"""External storage providers: found, described, and what is wrong with them."""

from pathlib import Path

import pytest

from pyganeti.model.errors import StorageError
from pyganeti.node.storage.providers import diagnose, find
from pyganeti.wire.noderpc.types import OsParameter

SCRIPTS = ("attach", "create", "detach", "grow", "remove", "setinfo", "verify")


def make(place: Path, name: str = "shared") -> Path:
    """A provider that can be used."""
    provider = place / name
    provider.mkdir(parents=True)
    for script in SCRIPTS:
        (provider / script).touch(0o755)
    (provider / "parameters.list").write_text("pool  where volumes lie\nfast\n\n")
    return provider


def test_providers_come_in_search_order_and_then_by_name(tmp_path: Path) -> None:
    for place, name in (("b", "one"), ("a", "two"), ("a", "one")):
        make(tmp_path / place, name)
    (tmp_path / "a" / "a-file").touch()
    search_path = (str(tmp_path / "missing"), str(tmp_path / "a"), str(tmp_path / "b"))
    found = [(info.name, info.path) for info in diagnose(search_path)]
    assert found == [(name, f"{tmp_path}/{place}/{name}")
                     for place, name in (("a", "one"), ("a", "two"), ("b", "one"))]  # fmt: skip


def test_a_usable_one_has_its_parameters(tmp_path: Path) -> None:
    make(tmp_path)
    (info,) = diagnose((str(tmp_path),))
    assert (info.valid, info.status) == (True, "")
    assert info.parameters == (
        OsParameter(name="pool", doc="where volumes lie"),
        OsParameter(name="fast", doc=""),
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_is_needed(tmp_path: Path, script: str) -> None:
    (make(tmp_path) / script).unlink()
    (info,) = diagnose((str(tmp_path),))
    assert (info.valid, info.status) == (False, f"script {script!r} not found in {info.path}")


@pytest.mark.parametrize("script", ["attach", "snapshot"])
def test_a_script_must_be_executable(tmp_path: Path, script: str) -> None:
    path = make(tmp_path) / script
    path.touch()
    path.chmod(0o644)
    (info,) = diagnose((str(tmp_path),))
    assert info.status == f"script {script!r} in {info.path} is not executable"


def test_the_list_of_parameters_is_needed(tmp_path: Path) -> None:
    (make(tmp_path) / "parameters.list").unlink()
    (info,) = diagnose((str(tmp_path),))
    assert info.status == f"file 'parameters.list' not found in {info.path}"


def test_the_first_of_a_name_is_found_with_its_scripts(tmp_path: Path) -> None:
    first = make(tmp_path / "a")
    (first / "snapshot").touch(0o755)
    make(tmp_path / "b")
    places = (str(tmp_path / "missing"), str(tmp_path / "a"), str(tmp_path / "b"))
    provider = find(places, "shared")
    assert provider.path == str(first)
    assert provider.scripts == {*SCRIPTS, "snapshot"}
    assert provider.parameters == ("pool", "fast")


def test_what_cannot_be_used_is_not_found(tmp_path: Path) -> None:
    (make(tmp_path) / "grow").unlink()
    with pytest.raises(StorageError, match="cannot be used: script 'grow' not found"):
        find((str(tmp_path),), "shared")
    with pytest.raises(StorageError, match="no storage provider 'other' below"):
        find((str(tmp_path),), "other")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "-\n"])
def test_strange_names_are_not_looked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="is no name of a storage provider"):
        find((str(tmp_path),), name)
