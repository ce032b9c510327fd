"""Names in a hosts file come and go; everything else stays."""

from pyganeti.node.hosts import add_host, remove_host

TEXT = "127.0.0.1\tlocalhost # ours\n# a comment with web1\n192.0.2.1 other.example.com other\n"


def test_a_name_is_added_with_its_short_form() -> None:
    assert add_host(TEXT, "192.0.2.5", "web1.example.com") == (
        TEXT + "192.0.2.5\tweb1.example.com web1\n"
    )


def test_a_missing_newline_is_added_first() -> None:
    assert add_host("127.0.0.1 x", "192.0.2.5", "web1") == "127.0.0.1 x\n192.0.2.5\tweb1\n"


def test_adding_again_moves_the_name() -> None:
    once = add_host(TEXT, "192.0.2.5", "web1.example.com")
    assert add_host(once, "192.0.2.6", "web1.example.com") == (
        TEXT + "192.0.2.6\tweb1.example.com web1\n"
    )


def test_removing_leaves_the_file_as_it_was() -> None:
    once = add_host(TEXT, "192.0.2.5", "web1.example.com")
    assert remove_host(once, "web1.example.com") == TEXT
    assert remove_host(TEXT, "web1.example.com") == TEXT


def test_other_names_of_a_line_are_kept() -> None:
    text = "192.0.2.1 web1.example.com web1 www # keep\n"
    assert remove_host(text, "web1.example.com") == "192.0.2.1\twww # keep\n"
