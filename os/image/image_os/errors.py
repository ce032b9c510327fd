"""The one error of these scripts."""


class Refused(Exception):
    """What is wrong, in a line for the user; never with the content of a parameter of the seed."""
