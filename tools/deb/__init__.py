"""The Debian package: ``make deb``. See ``docs/packaging.md``."""
