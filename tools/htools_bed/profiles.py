"""What clusters there are on the bed: profiles by name, and the sizes at which each is made."""

from random import Random
from typing import Final

from tools.htools_bed import twists as t
from tools.htools_bed.clusters import Twist, build, plain

# Nodes, instances. A profile is made at each of its sizes, with a seed of its own.
SMALL: Final = ((4, 14), (5, 24), (6, 30), (8, 40), (10, 60), (12, 80))
LARGE: Final = ((20, 120), (40, 300))

PROFILES: Final[dict[str, tuple[Twist, ...]]] = {
    "plain": (),
    "crowded": (t.crowded,),
    "exclusion": (t.exclusion_tags,),
    "exclusion-crowded": (t.crowded, t.exclusion_tags),
    "migration": (t.migration_tags,),
    "locations": (t.locations,),
    "desired": (t.locations, t.desired_locations),
    "all-tags": (t.exclusion_tags, t.migration_tags, t.locations, t.desired_locations),
    "templates": (t.mixed_templates,),
    "shared": (t.shared_templates,),
    "some-shared": (t.some_shared, t.exclusion_tags),
    "some-plain": (t.some_plain,),
    "no-drbd": (t.mixed_templates, t.no_drbd_allowed),
    "tight-cpus": (t.tight_cpus,),
    "tight-spindles": (t.tight_spindles,),
    "tight-specs": (t.tight_specs, t.crowded),
    "exclusive-storage": (t.exclusive_storage,),
    "speeds": (t.speeds, t.own_cpus),
    "uneven": (t.uneven_nodes, t.own_cpus),
    "small-disks": (t.small_disks,),
    "offline": (t.offline_nodes,),
    "unknown": (t.unknown_node, t.lost_memory),
    "bad-n1": (t.bad_n1, t.crowded),
    "short-of-memory": (t.bad_n1, t.lost_memory),
    "states": (t.states, t.lost_memory),
    "forthcoming": (t.forthcoming,),
    "everything": (
        t.uneven_nodes,
        t.mixed_templates,
        t.exclusion_tags,
        t.locations,
        t.desired_locations,
        t.migration_tags,
        t.tight_spindles,
        t.speeds,
        t.states,
        t.forthcoming,
        t.offline_nodes,
        t.reboot_tags,
    ),
}
STANDBY: Final[dict[str, tuple[Twist, ...]]] = {
    "standby": (t.shared_templates, t.standby),
    "standby-mixed": (t.some_shared, t.standby, t.reboot_tags),
}
GROUPS: Final[dict[str, tuple[Twist, ...]]] = {
    "groups": (),
    "groups-policies": (t.group_policies, t.uneven_nodes, t.reboot_tags),
    "groups-mixed": (t.mixed_templates, t.states, t.locations, t.exclusion_tags),
    "groups-split": (t.split,),
}


def profile_clusters(name: str, twists: tuple[Twist, ...], *, groups: int = 1) -> dict[str, str]:
    """The texts of all clusters of a profile, by name."""
    made = {}
    for nodes, instances in SMALL + LARGE:
        if nodes < 3 * groups or (nodes == 40 and name not in ("plain", "everything", "groups")):
            continue
        label = f"{name}-{nodes}x{instances}"
        rng = Random(label)
        fill = rng.choice((0.3, 0.4, 0.5, 0.55))
        cluster = plain(rng, nodes=nodes, instances=instances, groups=groups, fill=fill)
        made[label] = build(twists, cluster)
    return made


def all_clusters() -> dict[str, str]:
    """The texts of all clusters of the bed, by name."""
    made: dict[str, str] = {}
    for name, twists in (PROFILES | STANDBY).items():
        made |= profile_clusters(name, twists)
    for name, twists in GROUPS.items():
        made |= profile_clusters(name, twists, groups=3)
    return made
