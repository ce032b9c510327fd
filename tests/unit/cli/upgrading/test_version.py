"""Versions as people write them, and which may follow which."""

import pytest

from pyganeti.cli.upgrading.version import Version, check_change, config_version, parse_version
from pyganeti.model.errors import OpPrereqError
from pyganeti.model.versions import CONFIG_VERSION, RELEASE_VERSION


@pytest.mark.parametrize("text", ["3.2", "3.2.0", "3.2.17"])
def test_a_revision_does_not_count(text: str) -> None:
    assert parse_version(text) == Version(3, 2)
    assert str(parse_version(text)) == "3.2"


@pytest.mark.parametrize("text", ["", "3", "3.", "3.2.", "v3.2", "3.2-1", "3.2/..", "--to", "٣.٢"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(OpPrereqError, match="is no version"):
        parse_version(text)


def test_a_configuration_says_whose_it_is() -> None:
    assert config_version(CONFIG_VERSION) == parse_version(RELEASE_VERSION)


@pytest.mark.parametrize("target", ["3.1", "3.2", "3.3", "3.9"])
def test_up_and_one_down(target: str) -> None:
    check_change(Version(3, 2), parse_version(target))


@pytest.mark.parametrize(
    ("target", "text"), [("3.0", "to 3.1 at most"), ("2.16", "major"), ("4.0", "major")]
)
def test_other_ways_are_refused(target: str, text: str) -> None:
    with pytest.raises(OpPrereqError, match=text):
        check_change(Version(3, 2), parse_version(target))
