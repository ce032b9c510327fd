r"""Query filters as people write them, turned into the prefix form that travels to the master.

    be/vcpus >= 2 and "a" in tags  ->  ["&", [">=", "be/vcpus", 2], ["=[]", "tags", "a"]]

Loaded only when a command line has a filter: the parser takes longer to load than a short command
to run. The grammar in EBNF and what the master does with a filter: docs/design/0006-queries.md.

Source: ganeti(7) "Query filters".
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from pyganeti.model.errors import QueryFilterParseError
from pyganeti.model.names import glob_pattern

# Any: a filter is JSON, lists within lists.
Filter = list[Any]
Value = str | int | float

# As deep as the master reads, and deeper than anybody writes.
MAX_DEPTH: Final = 64

_GRAMMAR: Final = r"""
?start: alternative
?alternative: conjunction (_OR conjunction)*
?conjunction: _operand (_AND _operand)*
_operand: negation | condition | "(" alternative ")"
negation: _NOT _operand
?condition: FIELD -> truth
    | FIELD COMPARISON value -> comparison
    | value _IN FIELD -> member
    | value _NOT _IN FIELD -> stranger
    | FIELD _MATCHES PATTERN -> matching
    | FIELD _UNLIKE PATTERN -> unlike
    | FIELD _GLOB STRING -> globbed
    | FIELD _UNGLOB STRING -> unglobbed
value: STRING -> text
    | NUMBER -> number

_AND.1: /and(?![\w\/.])/
_IN.1: /in(?![\w\/.])/
_NOT.1: /not(?![\w\/.])/
_OR.1: /or(?![\w\/.])/
_MATCHES: "=~"
_UNLIKE: "!~"
_GLOB: "=*"
_UNGLOB: "!*"
COMPARISON: /==|!=|<=|>=|<|>|=(?![~*])/
FIELD: /[A-Za-z][A-Za-z0-9_\/.]*/
NUMBER: /[+-]?[0-9]{1,18}(\.[0-9]{1,18})?(?![\w\/.])/
STRING: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
%ignore /\s+/
"""
# A terminal like those above, but too long for a line.
_PATTERN: Final = (
    r"(?:m\s*)?(?P<delimiter>[\/#^|])(?:(?!(?P=delimiter))[^\\]|\\.)*(?P=delimiter)"
    r"(?:\s+[is]+(?![\w\/.])|[A-Za-z]*)"
)

# Terminals of the grammar as an error names them.
_WORDS: Final = {
    "FIELD": "a field",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "PATTERN": "a regular expression as in m/web[0-9]/",
    "COMPARISON": "a comparison",
    "_MATCHES": "a comparison",
    "_UNLIKE": "a comparison",
    "_GLOB": "a comparison",
    "_UNGLOB": "a comparison",
    "_AND": "'and'",
    "_IN": "'in'",
    "_NOT": "'not'",
    "_OR": "'or'",
    "LPAR": "'('",
    "RPAR": "')'",
    "$END": "the end",
}
_FLAGS: Final = frozenset("is")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_filter(text: str) -> Filter:
    """``text`` in the prefix form.

    Raises:
        QueryFilterParseError: it is no filter; the text shows where.
    """
    grammar = f"{_GRAMMAR}PATTERN: /{_PATTERN}/s"
    parser = Lark(grammar, parser="lalr", transformer=_Prefix(text), maybe_placeholders=False)
    try:
        # Any: lark does not know what the transformer makes of the tree.
        found: Any = parser.parse(text)
    except UnexpectedInput as err:
        raise _syntax_error(text, err) from err
    _check_depth(found)
    return list(found)


@v_args(inline=True)
class _Prefix(Transformer[Token, Filter]):
    """Makes the prefix form, from the inside out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def alternative(self, *parts: Filter) -> Filter:
        return ["|", *parts]

    def conjunction(self, *parts: Filter) -> Filter:
        return ["&", *parts]

    def negation(self, part: Filter) -> Filter:
        return ["!", part]

    def truth(self, field: Token) -> Filter:
        return ["?", str(field)]

    def comparison(self, field: Token, sign: Token, value: Value) -> Filter:
        return ["==" if sign == "=" else str(sign), str(field), value]

    def member(self, value: Value, field: Token) -> Filter:
        return ["=[]", str(field), value]

    def stranger(self, value: Value, field: Token) -> Filter:
        return ["!", self.member(value, field)]

    def matching(self, field: Token, pattern: Token) -> Filter:
        return ["=~", str(field), self._expression(pattern)]

    def unlike(self, field: Token, pattern: Token) -> Filter:
        return ["!", self.matching(field, pattern)]

    def globbed(self, field: Token, glob: Token) -> Filter:
        return ["=~", str(field), glob_pattern(_unescaped(glob[1:-1]))]

    def unglobbed(self, field: Token, glob: Token) -> Filter:
        return ["!", self.globbed(field, glob)]

    def text(self, quoted: Token) -> str:
        return _unescaped(quoted[1:-1])

    def number(self, digits: Token) -> int | float:
        return float(digits) if "." in digits else int(digits)

    def _expression(self, pattern: Token) -> str:
        """The expression of ``m/.../is``, its modifiers in front as the master has them."""
        rest = pattern.removeprefix("m").lstrip()
        end = rest.rindex(rest[0])
        body, flags = _unescaped(rest[1:end]), rest[end + 1 :].lstrip()
        unknown = sorted(set(flags) - _FLAGS)
        if unknown:
            at = (pattern.start_pos or 0) + len(pattern) - len(flags)
            raise _error(self._text, at, f"unknown modifier {unknown[0]!r}, expected i or s")
        self._check_expression(body, (pattern.start_pos or 0) + len(pattern) - len(rest) + 1)
        return f"(?{''.join(sorted(set(flags)))}){body}" if flags else body

    def _check_expression(self, body: str, begin: int) -> None:
        """The master would refuse it as well, but does not know where in the filter it stands."""
        # Most filters have none.
        from pyganeti.kit.patterns import Pattern, PatternError

        try:
            Pattern(body)
        except PatternError as err:
            at = begin + _escaped_length(self._text[begin:], err.position or 0)
            raise _error(self._text, at, f"not a regular expression: {err}") from err


def _escaped_length(text: str, length: int) -> int:
    """How much of ``text`` has this length without its backslashes."""
    at = 0
    for _ in range(length):
        at += 2 if text[at] == "\\" else 1
    return at


def _unescaped(text: str) -> str:
    """``text`` in which a backslash has stood before what would have had a meaning."""
    return _ESCAPED.sub(r"\1", text)


def _check_depth(found: Filter) -> None:
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise QueryFilterParseError(f"the filter is nested deeper than {MAX_DEPTH} levels")
        level = [part for parent in level for part in parent[1:] if isinstance(part, list)]


def _syntax_error(text: str, err: UnexpectedInput) -> QueryFilterParseError:
    token = getattr(err, "token", None)
    at = err.pos_in_stream or 0
    # A sign that begins nothing is an error of the lexer, which says the same in another word.
    names: Iterable[str] = getattr(err, "accepts", None) or getattr(err, "allowed", None) or ()
    if token is not None and token.type == "$END":
        at, found = len(text), "the end"
    elif token is not None:
        found = repr(str(token))
    else:
        found = "a quote that does not end" if text[at] in "\"'" else repr(text[at])
    return _error(text, at, f"expected {_listed(names)}, found {found}")


def _listed(names: Iterable[str]) -> str:
    words = sorted({_WORDS[name] for name in names})
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _error(text: str, at: int, what: str) -> QueryFilterParseError:
    """``what`` is wrong at a place in ``text``, with the line and a mark below the place."""
    begin = text.rfind("\n", 0, at) + 1
    line = text[begin:].split("\n", 1)[0]
    # Tabs are as wide below as they are above.
    mark = "".join(sign if sign == "\t" else " " for sign in text[begin:at])
    number = text.count("\n", 0, at) + 1
    where = f"line {number}, column {at - begin + 1}"
    return QueryFilterParseError(f"{what} ({where})\n{line}\n{mark}^")
