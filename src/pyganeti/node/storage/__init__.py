"""Disk drivers of a node: one module a kind of storage, all behind ``base.DiskDriver``."""
