"""Fields of OS definitions."""

from pyganeti.master.query.found import Found
from pyganeti.master.query.os import OSES
from pyganeti.wire.noderpc.types import OsInfo
from tests.unit.model import make as m


def test_what_is_set_comes_by_name_and_variant() -> None:
    def shown(name: str, field: str) -> object:
        found: Found[OsInfo] = Found(name, {})
        return OSES.fields[field].get(found, m.view())

    assert shown("micro", "osparams") == {
        "micro": {"a": "os", "b": "os"},
        "micro+default": {"b": "variant"},
    }
    assert shown("micro", "os_hvp") == {"micro+default": {"kvm": {"boot_order": "network"}}}
    assert shown("mic", "osparams") == {}
