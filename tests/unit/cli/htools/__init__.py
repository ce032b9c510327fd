"""Tests of the htools' command lines, beside what Ganeti's answer."""
