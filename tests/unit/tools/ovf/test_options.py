"""The command line of ovfconverter."""

import pytest

from pyganeti.tools.ovf.options import parse


@pytest.mark.parametrize(
    "words",
    [
        [], ["import"], ["move", "a.ovf"], ["export", "a"], ["export", "-f", "zip", "a"],
        ["import", "--format=raw", "a.ovf"], ["import", "--ova", "a.ovf"],
        ["export", "-f", "raw", "-o", "img", "a"], ["export", "-f", "raw", "--tags=a", "a"],
        ["import", "--net=0:mac=auto", "--no-nics", "a.ovf"],
        ["import", "--net=1:mac=auto", "a.ovf"], ["import", "--net=x", "a.ovf"],
        ["import", "--net=0:cow=5", "a.ovf"], ["import", "--disk=0", "a.ovf"],
        ["import", "--disk=0:size=big", "a.ovf"], ["import", "--disk=5:size=1g", "a.ovf"],
        ["import", "--disk=0:size=1g", "--disk=0:size=1g", "a.ovf"],
        ["import", "-B", "memory=lots", "a.ovf"], ["import", "-B", "vcpus=x", "a.ovf"],
        ["import", "-B", "cow=5", "a.ovf"], ["import", "-H", ":a=b", "a.ovf"],
        ["import", "-t", "floppy", "a.ovf"], ["import", "-n", "a/b", "a.ovf"],
        ["import", "-n", "", "a.ovf"], ["import", "-O", "a=1,a=2", "a.ovf"],
    ],
)  # fmt: skip
def test_what_is_wrong_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2
    assert "ovfconverter: error: " in capsys.readouterr().err


def test_values() -> None:
    words = ["-B", "memory=1g,vcpus=2,auto_balance", "-H", "kvm:acpi=true", "--net=0:link=br1"]
    found = parse(["import", *words, "--disk=0:size=1g", "-O", "a=b", "a.ovf"])
    assert found.backend == {"memory": "1024", "vcpus": "2", "auto_balance": "True"}
    assert found.hypervisor == ("kvm", {"acpi": "true"})
    assert found.nics == [(0, {"link": "br1"})]
    assert found.disks == [(0, 1024)]
    assert found.osparams == {"a": "b"}
