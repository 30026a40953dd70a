"""What was told of opens: the NameNode's audit log and its calls, and the cache's own audit lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spark_ext.bed.calls import calls

__all__ = ["Line", "audit_lines", "calls"]

_FIELDS = re.compile(r"\ballowed=(?:true|false)\t.*")


@dataclass(frozen=True)
class Line:
    """One line of an audit log: its fields in their order."""

    fields: dict[str, str]

    @property
    def user(self) -> str:
        return self.fields["ugi"].partition(" ")[0]


def audit_lines(log: str, command: str, path: str) -> list[Line]:
    """The lines of a command on a path."""
    found = (match[0] for line in log.splitlines() if (match := _FIELDS.search(line)))
    lines = [Line(dict(part.split("=", 1) for part in text.split("\t"))) for text in found]
    return [line for line in lines if (line.fields["cmd"], line.fields["src"]) == (command, path)]
