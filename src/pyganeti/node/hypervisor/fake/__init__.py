"""A hypervisor that only keeps books: for tests, simulated clusters and trying commands."""
