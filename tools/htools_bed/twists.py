"""Twists: what makes a cluster of the bed more than a plain one.

Each is tight enough that the rule it is about decides what a balancer does.
"""

from collections.abc import Sequence
from typing import Final

from tools.htools_bed.clusters import GIB, MIRRORED, SHARED, UNMIRRORED, Cluster, Instance

RACKS: Final = 3


def exclusion_tags(cluster: Cluster) -> None:
    """Services of which no two may share a primary node, crowded where they may not be."""
    cluster.tags += ["htools:iextags:service", "htools:iextags:db"]
    services = max(2, len(cluster.nodes) // 2)
    for number, instance in enumerate(cluster.instances):
        if number % 3 != 2:
            instance.tags.append(f"service:s{cluster.rng.randrange(services)}")
        if number % 7 == 0:
            instance.tags.append("db:main")
        if number % 5 == 0:
            instance.tags.append("other:x")


def migration_tags(cluster: Cluster) -> None:
    """Hypervisors of three versions; the newest takes guests of the middle one as well."""
    cluster.tags += ["htools:migration:hv", "htools:allowmigration:hv:old::hv:new"]
    for number, node in enumerate(cluster.nodes):
        if number % 4:
            node.tags.append(("hv:old", "hv:new", "hv:odd")[number % 3])


def locations(cluster: Cluster) -> None:
    """Racks and power supplies that fail together."""
    cluster.tags += ["htools:nlocation:rack", "htools:nlocation:power"]
    for number, node in enumerate(cluster.nodes):
        node.tags.append(f"rack:r{number % RACKS}")
        if number % 2:
            node.tags.append(f"power:p{number % 4}")


def desired_locations(cluster: Cluster) -> None:
    """Instances that want to be in a rack; needs :func:`locations`."""
    cluster.tags.append("htools:desiredlocation:rack")
    for number, instance in enumerate(cluster.instances):
        if number % 2:
            instance.tags.append(f"rack:r{cluster.rng.randrange(RACKS)}")


def standby(cluster: Cluster) -> None:
    """Every fourth node is off and waits to be needed."""
    names = set()
    for node in cluster.nodes[3::4]:
        node.flag = "Y"
        node.tags.append("htools:standby:auto")
        names.add(node.name)
    _empty(cluster, names)


def _empty(cluster: Cluster, names: set[str]) -> None:
    """Put the instances of nodes ``names`` on others of their groups."""
    groups = {node.name: node.group for node in cluster.nodes}
    for instance in cluster.instances:
        group = groups[instance.primary]
        left = [n.name for n in cluster.nodes if n.group == group and n.name not in names]
        if instance.primary in names:
            instance.primary = cluster.rng.choice([n for n in left if n != instance.secondary])
        if instance.secondary in names:
            instance.secondary = cluster.rng.choice([n for n in left if n != instance.primary])


def _retemplate(instance: Instance, template: str) -> None:
    """Give ``instance`` another disk template, with the nodes that it can have."""
    instance.template = template
    if template != MIRRORED:
        instance.secondary = ""
    if template == "diskless":
        instance.disk = 0


def mixed_templates(cluster: Cluster) -> None:
    """All disk templates side by side."""
    choices: Sequence[str] = (MIRRORED, MIRRORED, *UNMIRRORED, *SHARED)
    for instance in cluster.instances:
        _retemplate(instance, cluster.rng.choice(choices))


def shared_templates(cluster: Cluster) -> None:
    """Disks outside of the nodes only."""
    for instance in cluster.instances:
        _retemplate(instance, cluster.rng.choice(SHARED))


def some_shared(cluster: Cluster) -> None:
    """A third of the instances with disks outside of the nodes."""
    for instance in cluster.instances[::3]:
        _retemplate(instance, cluster.rng.choice(SHARED))


def some_plain(cluster: Cluster) -> None:
    """A quarter of the instances cannot move."""
    for instance in cluster.instances[::4]:
        _retemplate(instance, "plain")


def no_drbd_allowed(cluster: Cluster) -> None:
    """Policies without some of the templates in use."""
    for group in cluster.groups:
        group.templates = "plain,rbd,ext,sharedfile"


def tight_cpus(cluster: Cluster) -> None:
    """So few processors that the ratio of the policy decides."""
    for group in cluster.groups:
        members = cluster.members(group)
        names = {node.name for node in members}
        wanted = sum(i.vcpus for i in cluster.instances if i.primary in names)
        for node in members:
            node.cpus = cluster.rng.choice((4, 6, 8))
        have = sum(node.cpus for node in members)
        group.ratios = (max(1.0, round(wanted / have * 1.15, 2)), group.ratios[1])


def tight_spindles(cluster: Cluster) -> None:
    """So few spindles that the ratio of the policy decides."""
    for instance in cluster.instances:
        instance.spindle_use = cluster.rng.choice((0, 1, 1, 2, 3))
    for node in cluster.nodes:
        node.spindles = cluster.rng.choice((2, 4, 6))
    wanted = sum(i.spindle_use * (2 if i.secondary else 1) for i in cluster.instances)
    have = sum(node.spindles for node in cluster.nodes)
    for group in cluster.groups:
        group.ratios = (group.ratios[0], max(1.0, round(wanted / have * 1.2, 2)))


def tight_specs(cluster: Cluster) -> None:
    """Bounds that some instances break."""
    for group in cluster.groups:
        group.bounds = "256,1,2048,1,1,1;8192,2,16384,4,4,4;9000,3,4096,1,1,1;32768,8,20480,8,8,8"


def exclusive_storage(cluster: Cluster) -> None:
    """Disks on spindles of their own."""
    for node in cluster.nodes:
        node.exclusive = True
        node.spindles = cluster.rng.choice((12, 16, 24, 64))
    for instance in cluster.instances:
        instance.disk_spindles = cluster.rng.choice((1, 1, 2, 3))
        instance.spindle_use = instance.disk_spindles


def speeds(cluster: Cluster) -> None:
    """Processors of several generations."""
    for node in cluster.nodes:
        node.speed = cluster.rng.choice((0.5, 0.8, 1.0, 1.5, 2.0))


def own_cpus(cluster: Cluster) -> None:
    """Nodes that use processors themselves."""
    for node in cluster.nodes:
        node.own_cpus = cluster.rng.choice((0, 1, 2, 4))


def uneven_nodes(cluster: Cluster) -> None:
    """Nodes of several sizes."""
    for node in cluster.nodes:
        factor = cluster.rng.choice((0.5, 1, 1, 1.5, 2))
        node.memory = int(node.memory * factor)
        node.disk = int(node.disk * cluster.rng.choice((0.3, 0.6, 1, 2)))
        node.cpus = cluster.rng.choice((4, 8, 12, 24, 32))


def small_disks(cluster: Cluster) -> None:
    """So little disk that free space decides."""
    wanted = sum(i.disk * (2 if i.secondary else 1) for i in cluster.instances)
    for node in cluster.nodes:
        here = sum(i.disk for i in cluster.instances if node.name in (i.primary, i.secondary))
        node.disk = max(here + 8 * GIB, int(wanted / len(cluster.nodes) * 1.25))


def offline_nodes(cluster: Cluster) -> None:
    """A node or more that are offline or drained, instances and all."""
    for node in cluster.nodes[1::5]:
        node.flag = "Y"


def unknown_node(cluster: Cluster) -> None:
    """A node of which nothing is known."""
    cluster.nodes[-1].unknown = True
    cluster.nodes[-1].flag = "Y"


def bad_n1(cluster: Cluster) -> None:
    """Too little memory for the guests of a peer that fails."""
    for node in cluster.nodes:
        used = sum(i.memory for i in cluster.instances if i.primary == node.name)
        node.memory = max(int(node.memory * 0.6), used + node.own_memory + 256)


def lost_memory(cluster: Cluster) -> None:
    """Memory that nothing accounts for."""
    for node in cluster.nodes[::2]:
        cluster.lost_memory[node.name] = cluster.rng.choice((100, 333, 1024))


def states(cluster: Cluster) -> None:
    """Instances in all states, some not to be balanced."""
    choices = ["running"] * 6
    choices += ["ADMIN_down", "ADMIN_offline", "ERROR_down", "ERROR_up"]
    choices += ["ERROR_nodedown", "ERROR_nodeoffline", "ERROR_wrongnode"]
    for instance in cluster.instances:
        instance.status = cluster.rng.choice(choices)
        instance.balanced = cluster.rng.random() > 0.15


def forthcoming(cluster: Cluster) -> None:
    """Instances that are promised a place and are not there yet."""
    for instance in cluster.instances[::4]:
        instance.forthcoming = True
        instance.status = "ADMIN_down"


def crowded(cluster: Cluster) -> None:
    """Everything of a group on the first two thirds of its nodes."""
    for group in cluster.groups:
        names = [node.name for node in cluster.members(group)]
        few = names[: max(2, len(names) * 2 // 3)]
        for instance in cluster.instances:
            if instance.primary in names:
                pair = cluster.rng.sample(few, 2)
                instance.primary = pair[0]
                instance.secondary = pair[1] if instance.secondary else ""


def split(cluster: Cluster) -> None:
    """A mirrored instance over two groups."""
    if len(cluster.groups) > 1:
        cluster.instances[0].primary = cluster.members(cluster.groups[0])[0].name
        cluster.instances[0].secondary = cluster.members(cluster.groups[1])[0].name


def group_policies(cluster: Cluster) -> None:
    """Groups that are allocated to last, or never."""
    for number, group in enumerate(cluster.groups):
        group.policy = ("preferred", "last_resort", "unallocable")[number % 3]


def reboot_tags(cluster: Cluster) -> None:
    """Nodes that somebody wants to reboot."""
    for node in cluster.nodes[::3]:
        node.tags.append("needsreboot")
