"""Processes at the price of a fork, in which scenes are played and recovered from: `-m tests.torture.crash_child`.

Each line is a JSON list: what to do (play, recover), the scene, the directory, the key, the seed. The answer is a JSON
list: the exit code (negative: the signal), what the fork said.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.torture.crash_recovery import recover
from tests.torture.crash_scenes import SCENES, Place
from tests.torture.syscalls import arm

_SECONDS = 120


def _play(scene: str, place: Place) -> list[str]:
    play = SCENES[scene].play(place)
    next(play)
    arm()
    for _ in play:
        raise AssertionError("a scene is armed once")
    return []


def _recover(scene: str, place: Place) -> list[str]:
    return recover(place, SCENES[scene])


_TASKS: dict[str, Callable[[str, Place], list[str]]] = {"play": _play, "recover": _recover}


def _in_fork(line: str) -> tuple[int, list[str]]:
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            signal.alarm(_SECONDS)  # who hangs is killed by it
            task, scene, directory, key, seed = json.loads(line)
            random.seed(seed)
            said = _TASKS[task](scene, Place(Path(directory), key))
            os.write(write, json.dumps(said[:20]).encode())
            code = 0
        except BaseException as error:
            os.write(write, json.dumps([f"{type(error).__name__}: {error}"]).encode())
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), json.loads(said or "[]")


if __name__ == "__main__":
    logging.getLogger("hybridfs").setLevel(logging.CRITICAL)  # faults are what this is for
    print("ready", flush=True)
    for request in sys.stdin:
        print(json.dumps(_in_fork(request)), flush=True)
