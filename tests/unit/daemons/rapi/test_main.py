"""The REST daemon's command line, and where it refuses to run."""

from pathlib import Path

import pytest

from pyganeti.daemons.base import Life
from pyganeti.daemons.listening import interface_address
from pyganeti.daemons.pidfile import PidFile
from pyganeti.daemons.rapi import main
from pyganeti.daemons.rapi.main import Daemon
from pyganeti.daemons.rapi.options import parser
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ConfigurationError, NotMasterError


def test_options_are_ganetis() -> None:
    words = "-f -d --syslog=yes -p 1 -b ::1 -i lo --no-ssl -K a -C b --ssl-chain c --max-clients=3"
    options = parser().parse_args([*words.split(), "--require-authentication"])
    assert (options.port, options.bind, options.interface) == (1, "::1", "lo")
    assert (options.ssl_key, options.ssl_cert, options.ssl_chain) == ("a", "b", "c")
    assert (options.no_ssl, options.require_authentication, options.max_clients) == (True, True, 3)
    assert parser().parse_args([]).max_clients == 2000


@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_there_is_a_client_at_least(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"--max-clients={value}"])
    assert "--max-clients" in capsys.readouterr().err


def test_address_of_an_interface(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    assert interface_address(paths, "lo") == "127.0.0.1"
    for wrong in ("nosuch0", "x" * 300, ""):
        with pytest.raises(ConfigurationError, match="interface"):
            interface_address(paths, wrong)


def test_a_node_without_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"rapi\.pem: No such file"):
        Daemon(Paths(str(tmp_path)), parser().parse_args([]))


async def test_a_node_that_is_not_the_master(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "node2"
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    (data / "ssconf_master_node").write_text("node1\n")
    monkeypatch.setattr(main, "_PATIENCE_S", 0.0)
    daemon = Daemon(Paths(str(root), "node2"), parser().parse_args(["--no-ssl"]))
    with pytest.raises(NotMasterError):
        await daemon.serve(Life(PidFile(str(tmp_path / "pid")), {}))
