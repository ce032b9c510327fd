"""The nine tools: what each is for, its options in the order of its help, its arguments.

Source: htools(1); the order is that of Ganeti's help, which shells and scripts may read.
"""

from dataclasses import dataclass
from typing import Final

from .getopt import Option
from .options import get_option

_ALWAYS: Final = ("version", "help", "help-completion")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: ``arguments`` are kind, least and most (None: any number)."""

    name: str
    summary: str
    names: tuple[str, ...]
    arguments: tuple[str, int, int | None] | None = None

    @property
    def options(self) -> tuple[Option, ...]:
        """Its options, in the order of its help."""
        return tuple(get_option(name) for name in (*self.names, *_ALWAYS))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool("hail", "chooses nodes for instances when Ganeti asks for them",
             _names("print-nodes save text-data simulate verbose ignore-dynu ignore-soft-errors"
                    " no-capacity-checks restrict-allocation-to mond mond-xen"
                    " static-kvm-node-memory"),
             ("file", 1, 1)),
        Tool("harep", "repairs instances as far as their tags allow",
             _names("luxi job-delay reason dry-run")),
        Tool("hbal", "finds the moves that balance a cluster, and may carry them out",
             _names("print-nodes print-instances print-commands text-data evac-mode"
                    " restricted-migration master luxi ialloc-src exec first-job-group reason"
                    " group max-length verbose quiet offline static-kvm-node-memory min-score"
                    " max-cpu min-disk min-gain min-gain-limit no-disk-moves select-instances"
                    " no-instance-moves ignore-soft-errors dynu-file ignore-dynu mond mond-data"
                    " exit-on-missing-mond-data mond-xen exclusion-tags exclude-instances save"
                    " priority")),
        Tool("hcheck", "tells how well a cluster is, and whether balancing would help",
             _names("text-data no-disk-moves dynu-file ignore-dynu evac-mode exclude-instances"
                    " exclusion-tags ialloc-src no-instance-moves luxi machine-readable max-cpu"
                    " max-length min-disk min-gain min-gain-limit min-score ignore-soft-errors"
                    " no-simulation offline quiet master select-instances no-capacity-checks"
                    " verbose")),
        Tool("hinfo", "shows a cluster: nodes, instances, scores",
             _names("print-nodes print-instances text-data master luxi ialloc-src verbose quiet"
                    " offline ignore-dynu mond mond-data static-kvm-node-memory")),
        Tool("hroller", "finds the nodes that can be rebooted together",
             _names("luxi master text-data ialloc-src offline offline-maintenance verbose quiet"
                    " no-headers node-tags save group print-moves full-evacuation"
                    " skip-non-redundant ignore-non-redundant force one-step-only"
                    " static-kvm-node-memory")),
        Tool("hscan", "saves clusters to text files, which the other tools read",
             _names("print-nodes output-dir luxi verbose no-headers static-kvm-node-memory"),
             ("host", 0, None)),
        Tool("hspace", "counts the instances that still fit on a cluster",
             _names("print-nodes text-data disk-template spindle-use simulate master luxi"
                    " ialloc-src verbose quiet independent-groups accept-existing-errors offline"
                    " no-capacity-checks machine-readable max-cpu max-length min-disk"
                    " standard-alloc tiered-alloc save static-kvm-node-memory")),
        Tool("hsqueeze", "finds nodes to switch off or on, as the cluster is more or less used",
             _names("luxi text-data exec minimal-resources target-resources save print-commands"
                    " verbose no-headers static-kvm-node-memory")),
    )
}  # fmt: skip
