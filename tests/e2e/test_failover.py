"""The master ends under load, another node takes over, the old one comes back: nothing is lost."""

import pytest

from tests.e2e.failing_over import WAYS, run_seed

SIZES = (2, 3, 5)


@pytest.mark.parametrize(
    ("seed", "size", "way"),
    [(1, 3, "stopped"), (2, 5, "killed"), (3, 2, "power"), (4, 3, "frozen"), (5, 3, "power")],
)
def test_no_acknowledged_job_is_lost(seed: int, size: int, way: str) -> None:
    run_seed(seed, size=size, way=way)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5000, 5050))
def test_no_acknowledged_job_is_lost_soak(seed: int) -> None:
    run_seed(seed, size=SIZES[seed % len(SIZES)], way=sorted(WAYS)[seed // 3 % len(WAYS)])
