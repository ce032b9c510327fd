"""``cfgupgrade``: brings ``config.data`` of another version of Ganeti to this one, or back."""
