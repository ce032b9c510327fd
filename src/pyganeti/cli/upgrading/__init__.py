"""``gnt-cluster upgrade``: all nodes to another version: ``docs/design/0017-upgrade.md``."""
