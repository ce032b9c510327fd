"""Measured figures, each beside its target: ``make bench``."""
