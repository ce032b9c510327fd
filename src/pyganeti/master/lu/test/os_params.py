"""Bring secret OS parameters to a job and show none: ``gnt-debug test-osparams``.

Source: gnt-debug(8) TEST_OSPARAMS.
"""

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.codec import REDACTED
from pyganeti.opcodes.test import OpTestOsParams


class LUTestOsParams(LogicalUnit[OpTestOsParams, tuple[str, ...], None]):
    """Say of which parameters the values have arrived. Ganeti prints the values, too."""

    def declare_locks(self, op: OpTestOsParams, view: ClusterView) -> LockRequest:
        """Nothing."""
        return LockRequest()

    async def check_prereq(
        self, op: OpTestOsParams, view: ClusterView, nodes: NodeReader
    ) -> tuple[str, ...]:
        """Refuse what holds no secret.

        Raises:
            OpPrereqError: there are no secret parameters, or one has lost its value.
        """
        if not op.osparams_secret:
            raise OpPrereqError("no secret OS parameters were given", ECode.INVAL)
        lost = sorted(name for name, value in op.osparams_secret.items() if value == REDACTED)
        if lost:
            raise OpPrereqError(f"the values of {', '.join(lost)} did not arrive", ECode.FAULT)
        return tuple(sorted(op.osparams_secret))

    async def execute(self, run: Run, plan: tuple[str, ...]) -> None:
        """Name them."""
        run.log(f"Secret OS parameters have arrived, values are not shown: {', '.join(plan)}")
