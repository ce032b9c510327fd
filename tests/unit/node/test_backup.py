"""Exports that a node keeps."""

from pathlib import Path

import pytest

from pyganeti.model.errors import OpExecError
from pyganeti.node.handlers.backup import list_exports


def test_what_lies_there_is_listed_but_for_hidden_files(tmp_path: Path) -> None:
    for name in ("web2", "web10", ".partial"):
        (tmp_path / name).mkdir()
    assert list_exports(str(tmp_path)) == ("web10", "web2")


def test_a_missing_directory_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(OpExecError, match=r"no exports can be listed: .*No such file"):
        list_exports(str(tmp_path / "missing"))
