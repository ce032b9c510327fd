"""Links are cut under load, the master's too, and another node takes over: nothing is lost."""

import pytest

from tests.e2e.failing_over import run_seed_with_cuts
from tests.e2e.hosts import skip_without_namespaces


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_acknowledged_job_is_lost(seed: int) -> None:
    skip_without_namespaces()
    run_seed_with_cuts(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6000, 6050))
def test_no_acknowledged_job_is_lost_soak(seed: int) -> None:
    skip_without_namespaces()
    run_seed_with_cuts(seed)
