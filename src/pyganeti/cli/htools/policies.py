"""Instance policies as ``hinfo -vv`` prints them: all fields, by Ganeti's names of them."""

from typing import Final

from pyganeti.htools.model import IPolicy, ISpec, SpecRange
from pyganeti.htools.numerals import format_float
from pyganeti.model.enums import DiskTemplate

_TEMPLATES: Final = {
    DiskTemplate.DISKLESS: "DTDiskless",
    DiskTemplate.FILE: "DTFile",
    DiskTemplate.SHAREDFILE: "DTSharedFile",
    DiskTemplate.PLAIN: "DTPlain",
    DiskTemplate.BLOCKDEV: "DTBlock",
    DiskTemplate.DRBD: "DTDrbd8",
    DiskTemplate.RBD: "DTRbd",
    DiskTemplate.EXT: "DTExt",
    DiskTemplate.GLUSTER: "DTGluster",
}


def shown_policy(policy: IPolicy) -> str:
    """``policy`` on one line."""
    ranges = ",".join(map(_range, policy.ranges))
    templates = ",".join(_TEMPLATES[template] for template in policy.disk_templates)
    return _record(
        "IPolicy",
        iPolicyMinMaxISpecs=f"[{ranges}]",
        iPolicyStdSpec=_spec(policy.std),
        iPolicyDiskTemplates=f"[{templates}]",
        iPolicyVcpuRatio=format_float(policy.vcpu_ratio),
        iPolicySpindleRatio=format_float(policy.spindle_ratio),
    )


def _range(both: SpecRange) -> str:
    return _record(
        "MinMaxISpecs", minMaxISpecsMinSpec=_spec(both.min), minMaxISpecsMaxSpec=_spec(both.max)
    )


def _spec(spec: ISpec) -> str:
    return _record(
        "ISpec",
        iSpecMemorySize=spec.memory,
        iSpecCpuCount=spec.cpus,
        iSpecDiskSize=spec.disk_size,
        iSpecDiskCount=spec.disk_count,
        iSpecNicCount=spec.nics,
        iSpecSpindleUse=spec.spindles,
    )


def _record(name: str, **fields: object) -> str:
    return f"{name} {{{', '.join(f'{key} = {value}' for key, value in fields.items())}}}"
