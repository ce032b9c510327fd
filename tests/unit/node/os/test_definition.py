"""OS definitions: what is usable, and what is said of what is not."""

from pathlib import Path

import pytest

from pyganeti.model.errors import InvalidOS
from pyganeti.node.os import definition

SCRIPTS = ("create", "export", "import", "rename", "verify")


def make(place: Path, name: str = "deb", api: str = "20", **files: str) -> Path:
    """A complete definition; ``files`` are written on top, with ``_`` for ``.``."""
    path = place / name
    path.mkdir(parents=True)
    (path / "ganeti_api_version").write_text(api)
    for script in SCRIPTS:
        (path / script).write_text("#!/bin/sh\n")
        (path / script).chmod(0o755)
    for file, text in files.items():
        (path / file.replace("_", ".")).write_text(text)
    return path


def test_all_versions_of_the_interface_are_loaded(tmp_path: Path) -> None:
    make(tmp_path, "old", "10", variants_list="a\n", parameters_list="x doc\n")
    make(tmp_path, "middle", "15", variants_list="a\n# c\n\nb\n", parameters_list="x doc\n")
    make(tmp_path, "new", "10\n20\n99", variants_list="a\n", parameters_list="x of a kind\ny\n")
    old, middle, new = (
        definition.find((str(tmp_path),), name) for name in ("old", "middle", "new")
    )
    assert (old.variants, old.parameters) == ((), ())
    assert (middle.variants, middle.parameters) == (("a", "b"), ())
    assert new.api_versions == (10, 20)
    assert [(one.name, one.doc) for one in new.parameters] == [("x", "of a kind"), ("y", "")]


def test_the_first_place_wins(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    places = (str(tmp_path / "none"), str(tmp_path / "b"), str(tmp_path / "a"))
    assert definition.find(places, "deb").path == str(tmp_path / "b" / "deb")


@pytest.mark.parametrize("name", ["nix", "", "../deb", "a/b"])
def test_a_missing_definition_says_where_it_was_looked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidOS) as missing:
        definition.find((str(tmp_path),), name)
    assert missing.value.args[1] is None


@pytest.mark.parametrize(
    ("api", "text"), [("5", "API version mismatch"), ("x", "no numbers"), ("", "found none")]
)
def test_an_unknown_interface_is_refused(tmp_path: Path, api: str, text: str) -> None:
    make(tmp_path, api=api)
    with pytest.raises(InvalidOS, match=text):
        definition.find((str(tmp_path),), "deb")


def test_missing_and_unusable_scripts_are_named(tmp_path: Path) -> None:
    path = make(tmp_path)
    (path / "rename").chmod(0o644)
    assert "'rename'" in definition.describe("deb", str(path)).status
    (path / "rename").unlink()
    assert "'rename' not found" in definition.describe("deb", str(path)).status
    (path / "create").unlink()
    assert "create_untrusted" in definition.describe("deb", str(path)).status


def test_an_untrusted_definition_is_told_apart(tmp_path: Path) -> None:
    path = make(tmp_path)
    (path / "create").rename(path / "create_untrusted")
    described = definition.describe("deb", str(path))
    assert described.valid
    assert not described.trusted


@pytest.mark.parametrize(
    ("variant", "force", "good"),
    [("a", False, True), ("z", False, False), ("z", True, True), ("", False, True)],
)
def test_variants(tmp_path: Path, variant: str, force: bool, good: bool) -> None:
    make(tmp_path, variants_list="a\nb\n")
    found = definition.find((str(tmp_path),), "deb")
    if good:
        definition.check_variant(found, variant, force=force)
        return
    with pytest.raises(InvalidOS, match="a, b"):
        definition.check_variant(found, variant, force=force)


def test_diagnosis_lists_good_and_broken_in_search_order(tmp_path: Path) -> None:
    make(tmp_path / "2", "b")
    make(tmp_path / "2", "a", api="1")
    make(tmp_path / "1", "z")
    found = definition.diagnose((str(tmp_path / "1"), str(tmp_path / "2"), str(tmp_path / "3")))
    assert [(one.name, one.valid) for one in found] == [("z", True), ("a", False), ("b", True)]
