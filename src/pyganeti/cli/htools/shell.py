"""Keys and values as shells read them: what ``--machine-readable`` prints."""


def assignment(key: str, value: str) -> str:
    """``KEY=value``, in quotes if there is anything but letters, digits and dots."""
    if all(letter.isalnum() or letter == "." for letter in value):
        return f"{key}={value}"
    quoted = value.replace("'", "'\\''")
    return f"{key}='{quoted}'"
