"""What is fed with bad input, one border between the system and its outside each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.fuzz.engine import Target

from .config_file import ConfigFile
from .filters import FilterText, JobFilter, QueryFilter
from .job_file import JobFile
from .luxi_client import LuxiAnswers
from .luxi_methods import LuxiMethodCalls
from .luxi_server import LuxiStream
from .node_calls import NodeAnswers, NodeRequests
from .opcodes import Opcodes

TARGETS: Final[Mapping[str, type[Target]]] = MappingProxyType(
    {
        target.name: target
        for target in (
            ConfigFile,
            FilterText,
            JobFile,
            JobFilter,
            LuxiAnswers,
            LuxiMethodCalls,
            LuxiStream,
            NodeAnswers,
            NodeRequests,
            Opcodes,
            QueryFilter,
        )
    }
)
