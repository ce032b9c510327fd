"""External storage providers to test with."""

from pathlib import Path

from pyganeti.kit.paths import Paths


def put_provider(paths: Paths, parameters: str) -> None:
    """Give a node the storage provider ``shared``."""
    provider = Path(paths.provider_search_path()[0]) / "shared"
    provider.mkdir(parents=True)
    for script in ("attach", "create", "detach", "grow", "remove", "setinfo", "verify"):
        (provider / script).touch(0o755)
    (provider / "parameters.list").write_text(parameters)
