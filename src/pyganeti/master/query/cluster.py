"""Fields of the cluster: one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.shown import shown
from pyganeti.master.cluster_info import cluster_info
from pyganeti.model.cluster import Cluster
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView

from .fields import Field, FieldKind, Need, alias, or_unavail, table
from .objects import tags_field
from .sources import Sources


@dataclass(frozen=True, slots=True)
class ClusterContext:
    """What cluster fields read besides the object itself.

    Attributes:
        info: settings by the names that clients know.
        drained: the queue takes no jobs.
        watcher_pause: until when the watcher pauses, seconds since the epoch.
    """

    view: ClusterView
    info: Mapping[str, Any]  # Any: values of several types
    drained: bool
    watcher_pause: float | None


ClusterField = Field[Cluster, ClusterContext]
_NUMBER, _OTHER, _TEXT = FieldKind.NUMBER, FieldKind.OTHER, FieldKind.TEXT
_TIMESTAMP: Final = FieldKind.TIMESTAMP


def _setting(name: str, title: str, kind: FieldKind, doc: str) -> ClusterField:
    return Field(name, title, kind, doc, lambda _, context: context.info[name])


_NAME: Final[ClusterField] = Field(
    "name", "Name", _TEXT, "Name", lambda cluster, _: cluster.cluster_name
)

_FIELDS: Final[Sequence[ClusterField]] = [
    _NAME,
    alias("cluster_name", _NAME),
    _setting("architecture", "ArchInfo", _OTHER, "Word size and machine of the master"),
    _setting("config_version", "ConfigVersion", _NUMBER, "Version of the configuration's format"),
    _setting("export_version", "ExportVersion", _NUMBER, "Version of the exports' format"),
    _setting("os_api_version", "OsApiVersion", _NUMBER, "Newest version of OS definitions"),
    _setting("protocol_version", "ProtocolVersion", _NUMBER, "Version of the node protocol"),
    _setting("software_version", "SoftwareVersion", _TEXT, "Version of Ganeti"),
    _setting("vcs_version", "VCSVersion", _TEXT, "Version of this program"),
    Field(
        "master_node",
        "Master",
        _TEXT,
        "Name of the master",
        lambda _, context: context.view.master_node.name,
    ),
    Field(
        "volume_group_name",
        "VgName",
        _TEXT,
        "Volume group of disks on LVM",
        lambda cluster, _: or_unavail(cluster.volume_group_name),
    ),
    Field(
        "drain_flag",
        "QueueDrained",
        FieldKind.BOOL,
        "Whether the queue takes no jobs",
        lambda _, context: context.drained,
    ),
    Field(
        "watcher_pause",
        "WatcherPause",
        _TIMESTAMP,
        "Until when the watcher pauses",
        lambda _, context: or_unavail(context.watcher_pause),
    ),
    Field("ctime", "CTime", _TIMESTAMP, "When the cluster was made", lambda c, _: c.ctime),
    Field("mtime", "MTime", _TIMESTAMP, "When the cluster was changed", lambda c, _: c.mtime),
    tags_field("cluster", Cluster),
]


class ClusterResource:
    """Queries of the cluster."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Cluster]:
        """See :class:`~.engine.Resource`."""
        cluster = sources.view.cluster
        for name in names or ():
            if name != cluster.cluster_name:
                raise OpPrereqError(f"Cluster {shown(name)} not known", ECode.NOENT)
        return [cluster] if names is None else [cluster for _ in names]

    async def context(
        self, sources: Sources, items: list[Cluster], needs: frozenset[Need]
    ) -> ClusterContext:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        return ClusterContext(view, cluster_info(view), sources.jobs.drained, sources.watcher_pause)


CLUSTERS: Final = ClusterResource()
