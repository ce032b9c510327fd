"""The interface described: ``/2/openapi.json`` for programs, ``/2/docs`` for people.

    declarations -> openapi.py -> JSON -> docs.js in a browser

The page is one answer with its style and its script in it, and says that nothing else may run or
be fetched: it needs no other host.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from .call import Call, Content, Json
from .openapi import encoded
from .resource import HTML, Method, Resource

_PAGE: Final = files("pyganeti.rapi") / "page"


@cache
def page() -> Content:
    """The page for people."""
    style, script = _part("docs.css"), _part("docs.js")
    text = _part("docs.html").replace("/*STYLE*/", style).replace("/*SCRIPT*/", script)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    return Content(f"{HTML}; charset=utf-8", text.encode(), headers)


def _part(name: str) -> str:
    return (_PAGE / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


async def _docs(_call: Call) -> Json:
    return page()


def described(every: Callable[[], Sequence[Resource]]) -> tuple[Resource, ...]:
    """The two resources; ``every`` gives those that they describe, once all are known."""

    @cache
    def document() -> Content:
        return Content("application/json", encoded(every()) + b"\n")

    async def openapi(_call: Call) -> Json:
        return document()

    return (
        Resource("/2/docs", GET=Method(_docs, about="This page.", result=str, kind=HTML)),
        Resource("/2/openapi.json", GET=Method(openapi, about="This description.", result=dict)),
    )
