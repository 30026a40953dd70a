"""Patterns of paths, for the options ``include`` and ``exclude``; the same in the jar.

A pattern matches a whole path, which begins with ``/``: ``*`` is any characters but ``/``, ``**`` any characters, ``?``
one character but ``/``; everything else stands for itself. One that ends in ``/`` means everything below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hybridfs.errors import BadOption

_WILDCARDS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
_PARTS = re.compile(r"\*\*|[*?]|[^*?]+")
_BLANKS = " \t\r\n"


def translate(pattern: str) -> str:
    """The pattern as a regular expression, to be matched against the whole path, where ``.`` matches a newline."""
    whole = pattern + "**" if pattern.endswith("/") else pattern
    return "".join(_WILDCARDS.get(part) or re.escape(part) for part in _PARTS.findall(whole))


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns."""
    expressions = [re.compile(translate(pattern), re.DOTALL) for pattern in patterns]
    return lambda path: any(expression.fullmatch(path) for expression in expressions)


def parse_globs(value: object) -> tuple[str, ...]:
    """Patterns of ``/warehouse/**,/logs/*.csv``, or of a list of such; blanks around them are dropped.

    Raises BadOption for an empty one, and for one that no path matches.
    """
    if isinstance(value, (list, tuple)):
        items = [str(item) for item in value]
        if any("," in item for item in items):
            raise BadOption(f"{value!r}: commas separate patterns, so none can hold one; write ? in its place")
    else:
        items = str(value).split(",") if str(value).strip(_BLANKS) else []
    patterns = tuple(item.strip(_BLANKS) for item in items)
    for pattern in patterns:
        if not pattern:
            raise BadOption(f"{value!r} has an empty pattern; remove the comma that is too many")
        if not pattern.startswith(("/", "**")):
            raise BadOption(
                f"{value!r}: no path matches {pattern!r}; patterns are of whole paths, without scheme and host, and "
                "begin with / or **, like /warehouse/** or **.csv (commas separate them, so none can hold one; write ? "
                "in its place)"
            )
    return patterns
