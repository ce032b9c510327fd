"""All daemons begin in one way."""

from collections.abc import Callable

import pytest

from pyganeti.daemons import masterd, noded
from pyganeti.daemons.confd import main as confd
from pyganeti.daemons.metad import main as metad

MAINS = {
    "ganeti-confd": confd.main,
    "ganeti-masterd": masterd.main,
    "ganeti-metad": metad.main,
    "ganeti-noded": noded.main,
}


@pytest.mark.parametrize(("name", "main"), MAINS.items())
def test_a_node_that_cannot_be_is_refused(
    name: str,
    main: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", [f"/usr/sbin/{name}", "-f"])
    monkeypatch.setenv("GANETI_ROOTDIR", "relative")
    monkeypatch.delenv("GANETI_HOSTNAME", raising=False)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == f"{name}: GANETI_ROOTDIR 'relative' is not a normalized absolute path\n"


def test_those_with_a_user_have_the_same_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for name, main in MAINS.items():
        monkeypatch.setattr("sys.argv", [name, "--help"])
        with pytest.raises(SystemExit):
            main()
        lines = capsys.readouterr().out.splitlines()
        found[name] = [line.split(None, 1)[1] for line in lines if "--no-user-checks " in line]
    what = ["run as whoever starts it"]
    assert found == {
        "ganeti-confd": what, "ganeti-masterd": what, "ganeti-metad": what, "ganeti-noded": []
    }  # fmt: skip
