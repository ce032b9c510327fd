"""What QEMUs of several versions said of themselves: ``tests/golden/qemu``."""

import lzma
from pathlib import Path

from pyganeti.node.hypervisor.kvm import facts
from pyganeti.node.hypervisor.kvm.schema import parse_schema

GOLDEN = Path(__file__).parents[3] / "golden" / "qemu"
VERSIONS = sorted(path.stem.removeprefix("version-") for path in GOLDEN.glob("version-*.txt"))


def facts_of(version: str) -> facts.QemuFacts:
    """What is known of the QEMU whose answers were captured."""

    def said(question: str) -> str:
        return (GOLDEN / f"{question}-{version}.txt").read_text()

    machines, default = facts.parse_machines(said("machine"))
    schema = lzma.decompress((GOLDEN / f"schema-{version}.json.xz").read_bytes())
    return facts.QemuFacts(
        version=facts.parse_version(said("version")),
        machines=machines,
        default_machine=default,
        devices=facts.parse_devices(said("device")),
        options=facts.parse_options(said("help")),
        events=frozenset(said("trace").split()),
        schema=parse_schema(schema.decode()),
    )
