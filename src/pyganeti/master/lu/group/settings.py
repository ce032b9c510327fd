"""What can be set of a node group, and which instances that leaves outside of its policy. Pure.

Source: gnt-group(8) ADD and MODIFY.
"""

import msgspec

from pyganeti.master.instances.ipolicy import InstanceShape, violations
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.params.disk import check_complete_diskparams, updated_diskparams
from pyganeti.model.params.ipolicy import FilledIPolicy, check_complete_ipolicy, updated_ipolicy
from pyganeti.model.params.nd import updated_ndparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupAdd, OpGroupSetParams
from pyganeti.opcodes.types import JsonObject

_TEMPLATES = "disk-templates"


def with_settings(
    group: NodeGroup, op: OpGroupAdd | OpGroupSetParams, view: ClusterView
) -> NodeGroup:
    """``group`` with what ``op`` asks for; the value ``default`` gives one back.

    Raises:
        ParameterError, OpPrereqError: a value is not acceptable, or not together with others.
    """
    after = msgspec.structs.replace(
        group,
        alloc_policy=op.alloc_policy or group.alloc_policy,
        ndparams=updated_ndparams(group.ndparams, op.ndparams or {}),
        hv_state_static=updated_hv_state(group.hv_state_static, op.hv_state or {}),
        disk_state_static=updated_disk_state(group.disk_state_static, op.disk_state or {}),
    )
    if op.diskparams:
        given = {str(template): values for template, values in op.diskparams.items()}
        diskparams = updated_diskparams(group.diskparams, given)
        after = msgspec.structs.replace(after, diskparams=diskparams)
        check_complete_diskparams(view.diskparams(after))
    if op.ipolicy:
        policy = updated_ipolicy(group.ipolicy, op.ipolicy, for_group=True)
        after = msgspec.structs.replace(after, ipolicy=policy)
        check_complete_ipolicy(view.ipolicy(after), for_group=True)
        _check_templates(op.ipolicy, view)
    return after


def _check_templates(given: JsonObject, view: ClusterView) -> None:
    """Refuse to allow disk templates that nobody may use.

    Raises:
        OpPrereqError: names them.
    """
    allowed = given.get(_TEMPLATES)
    if not isinstance(allowed, list | tuple):
        return
    enabled = view.cluster.enabled_disk_templates
    unusable = [template for template in allowed if template not in enabled]
    if unusable:
        text = f"disk templates {', '.join(unusable)} are not enabled on the cluster"
        raise OpPrereqError(f"{text}, a policy cannot allow them", ECode.INVAL)


def newly_violating(
    instances: list[Instance], before: FilledIPolicy, after: FilledIPolicy, view: ClusterView
) -> list[str]:
    """Names of those ``instances`` that the policy admitted ``before`` and not ``after``."""
    shapes = {one.name: _shape(one, view) for one in instances if not one.forthcoming}
    return [
        name
        for name, shape in shapes.items()
        if violations(shape, after) and not violations(shape, before)
    ]


def _shape(instance: Instance, view: ClusterView) -> InstanceShape:
    disks = view.disks_of(instance)
    template = disks[0].dev_type if disks else DiskTemplate.DISKLESS
    return InstanceShape.of(instance, view, disks, template)
