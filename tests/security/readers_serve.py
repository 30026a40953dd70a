"""What the reading processes of both languages have in common: commands and answers, each a line of JSON.

A command is `{"do": name, ...arguments}`; the answer `{"ok": result}` or `{"failed": text}`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Commands = Mapping[str, Callable[..., Any]]


def attempt(read: Callable[[], bytes], verdict: Callable[[Exception], str]) -> dict[str, Any]:
    """What one read gave: how many bytes and which; or why none. ``asked`` is when it began (CLOCK_MONOTONIC)."""
    asked = time.monotonic()
    try:
        data = read()
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        return {"asked": asked, "verdict": verdict(error), "bytes": 0, "hash": "", "error": told[:600]}
    return {"asked": asked, "verdict": "allowed", "bytes": len(data), "hash": hashlib.sha256(data).hexdigest()}


def serve(commands: Commands) -> None:
    """Answers the lines of standard input until it ends. What others print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        print(json.dumps({"ok": "ready"}), file=answers, flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = {"ok": commands[request.pop("do")](**request)}
            except Exception as error:
                answer = {"failed": f"{type(error).__name__}: {error}"[:4000]}
            print(json.dumps(answer), file=answers, flush=True)
