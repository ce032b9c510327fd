"""Hypervisor drivers of a node, all behind ``base.Hypervisor``."""
