"""Copies of configurations that may be shown to others."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.model.codec import decode_config
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.tools.sanitize_config import main, replaced
from tools.confd_replies import REPLIES

PLACE = REPLIES.parent / "config.data"
OLD = Path(__file__).parents[2] / "golden" / "cfgupgrade" / "2.7.json"


def copy_of(tmp_path: Path, *words: str, source: Path = PLACE) -> tuple[str, dict[str, Any]]:
    target = tmp_path / "copy"
    assert main([f"--path={source}", *words, str(target)]) == 0
    text = target.read_text("utf-8")
    return text, json.loads(text)


def test_nothing_of_the_site_is_left(tmp_path: Path) -> None:
    text, new = copy_of(tmp_path, "--base-domain=site.test", "--sanitize-lvs=yes")
    for secret in ('hidden"', "secret1", "secret3", "AAAAB3", "C7:43:3B"):
        assert secret not in text
    for name in ("web", "db", "inst10", "node1", "cluster"):
        assert f"{name}.example.com" not in text
    for word in ("198.51.100.33", '192.0.2.1"', "2001:db8::5", "toy", "d1_data"):
        assert word not in text
    assert new["cluster"]["cluster_name"] == "cluster.site.test"
    assert {node["name"] for node in new["nodes"].values()} == {
        f"node{number}.site.test" for number in (1, 2, 3, 4)
    }


def test_the_copy_is_still_a_configuration(tmp_path: Path) -> None:
    _, new = copy_of(tmp_path)
    old = json.loads(PLACE.read_text())
    assert new["instances"].keys() == old["instances"].keys()
    config = decode_config(msgspec.json.encode({**new, "version": CONFIG_VERSION}))
    names = [instance.name for instance in config.instances.values()]
    assert len(set(names)) == len(names) == len(old["instances"])
    assert len({node.primary_ip for node in config.nodes.values()}) == 4


def test_only_secrets(tmp_path: Path) -> None:
    text, new = copy_of(tmp_path, "--no-randomization")
    assert "web.example.com" in text
    assert "198.51.100.33" in text
    assert "secret1" not in text
    assert new["cluster"]["rsahostkeypub"] == "<sanitized>"


def test_each_kind_can_be_kept(tmp_path: Path) -> None:
    words = ("names", "ips", "os-names")
    text, _ = copy_of(tmp_path, *(f"--sanitize-{word}=no" for word in words))
    for word in ("web.example.com", "198.51.100.33", "toy+plain", "d1_data"):
        assert word in text


def test_old_configurations_too(tmp_path: Path) -> None:
    text, new = copy_of(tmp_path, "--base-domain=site.test", source=OLD)
    assert "0123456789abcdef" not in text
    assert new["cluster"]["master_node"] == "node1.site.test"
    assert "inst1.example.com" not in text


def test_a_name_within_another_is_left() -> None:
    changes = {"web": "a", "web.example.com": "b", "10.0.0.1": "c"}
    words = ["web", "web.example.com", "web2", "my-web", "web-1", "10.0.0.11", "10.0.0.1"]
    assert replaced(words, changes) == ["a", "b", "web2", "my-web", "web-1", "10.0.0.11", "c"]


def test_the_copy_is_for_its_owner_only(tmp_path: Path) -> None:
    copy_of(tmp_path)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"cluster": 7}', '{"nodes": [1]}', "[" * 3000])
def test_nonsense(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    source = tmp_path / "config.data"
    source.write_text(content)
    assert main([f"--path={source}", str(tmp_path / "copy")]) == 1
    assert capsys.readouterr().err.startswith("sanitize-config: ")
    assert not (tmp_path / "copy").exists()


def test_a_wrong_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--sanitize-ips=perhaps", str(tmp_path / "copy")])
