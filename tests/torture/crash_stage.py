"""Plays a scene (`crash_scenes`) in a process that is killed or failed at a system call, and lets others recover."""

from __future__ import annotations

import errno
import json
import secrets
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from hybridfs.config import hadoop_options
from tests.python.support import Child, environment
from tests.torture.crash_recovery import bad_blocks, sound_blocks
from tests.torture.crash_scenes import AMPLE, BUDGET, EVERY, LENGTH, SCENES, Block, Place, of_file
from tests.torture.jvm import compiled, java_command
from tests.torture.snapshot import Snapshot
from tests.torture.syscalls import Call, Syscalls

DYING = ("kill", "half")
_SIGKILL, _SIGALRM = -9, -14


class Worker(Child):
    """The jar's store in a JVM (`CrashWorker.java`). What it is told gives its answer; empty when it died."""

    def words(self, *words: str) -> str:
        try:
            return self.ask("\t".join(words))
        except BrokenPipeError:
            return ""

    def blocks(self, verb: str, blocks: Sequence[Block]) -> str:
        return self.words(verb, *(f"{block.file}/{block.number}" for block in blocks)) if blocks else "0"

    def store(self, place: Place, tiers: str, budget: int = BUDGET, **options: object) -> str:
        told = hadoop_options(**(place.options(tiers, budget) | options))
        return self.words("store", *(f"{key}={value}" for key, value in told.items()))

    def code(self) -> int:
        """Its exit code, after it died."""
        return self._process.wait(30)


class Stage(ABC):
    """Where scenes are played. A process that dies is one of the subclass's language; both languages recover."""

    def __init__(self, scratch: Path, seed: int) -> None:
        self.scratch = scratch
        self._place = Place(scratch / "place", secrets.randbits(48))
        self._seed = seed
        self._struck = 0
        self.unreached = 0
        self.syscalls = Syscalls(scratch)
        command = [sys.executable, "-m", "tests.torture.crash_child"]
        self._child = Child(command, environment(**self.syscalls.environment))
        assert self._child.hear() == "ready"
        self._ready: dict[str, Snapshot] = {}
        data = scratch / "data"
        data.mkdir()
        for block in EVERY:
            (data / f"{block.file}-{block.number}").write_bytes(block.data)
        self.java = java_command(
            compiled(scratch, "CrashWorker.java"), "CrashWorker", str(data), str(LENGTH), heap="64m"
        )
        self._reader = Worker(self.java, environment())

    def end(self) -> None:
        self._child.end()
        self._reader.end()
        shutil.rmtree(self._place.memory, ignore_errors=True)

    @abstractmethod
    def play(self, scene: str) -> tuple[int, list[str]]:
        """Plays it in a process that arms itself; its exit code (negative: the signal) and what it said."""

    def calls(self, scene: str) -> tuple[list[Call], list[str]]:
        """All calls of a scene that nothing interrupts, and what is wrong afterwards."""
        for root in self._place.roots:
            shutil.rmtree(root, ignore_errors=True)
        SCENES[scene].prepare(self._place)
        self._ready[scene] = Snapshot.take(self._place.roots)
        self.syscalls.plan(self._place.roots)
        code, said = self.play(scene)
        calls = self.syscalls.calls()
        return calls, self._recovered(scene) if code == 0 else [f"it ended with {code}: {said}"]

    def strike(self, scene: str, call: Call, action: str) -> list[str]:
        """Plays the scene up to the call, and recovers. Returns what is wrong."""
        self._ready[scene].restore()
        self.syscalls.plan(self._place.roots, call.number, str(getattr(errno, action, action)))
        code, said = self.play(scene)
        if code == _SIGALRM:
            return ["it hangs"]
        self.unreached += action in DYING and code == 0  # chance had it make fewer calls this time
        if code not in ((0, _SIGKILL) if action in DYING else (0,)):
            return [f"it ended with {code}: {said}"]
        return self._recovered(scene)

    def _recovered(self, scene: str) -> list[str]:
        """What is wrong for Python, and what for the JVM on a copy of the same."""
        left = Snapshot.take(self._place.roots)
        code, problems = self.ask("recover", scene)
        said = ["who comes afterwards hangs"] if code == _SIGALRM else problems if code == 0 else [f"{code}", *problems]
        self._struck += 1
        copy = replace(self._place, directory=self.scratch / f"copy-{self._struck}")  # a JVM opens a root only once
        left.restore(dict(zip(self._place.roots, copy.roots, strict=True)))
        said += [f"the jar: {problem}" for problem in self._read_by_jar(copy, scene)]
        shutil.rmtree(copy.directory, ignore_errors=True)
        return said

    def _read_by_jar(self, place: Place, scene: str) -> Iterator[str]:
        damaged, tiers = SCENES[scene].damaged, SCENES[scene].tiers
        if self._reader.store(place, tiers, AMPLE) != "1" or self._reader.store(place, tiers) != "1":
            yield "the cache cannot be used"
            return
        sound = sound_blocks(place, damaged)
        self._reader.store(place, tiers, AMPLE)  # first by who evicts nothing
        for blocks in (sound, [block for block in EVERY if block not in sound]):
            found = self._reader.blocks("look", blocks)
            if found != str(len(blocks) if blocks is sound else 0):
                yield f"{found} of {len(blocks)} {'sound' if blocks is sound else 'missing'} blocks are read"
        self._reader.store(place, tiers)
        for file in (6, 7, 8):
            published = self._reader.blocks("publish", of_file(file))
            if published != str(len(of_file(file))):
                yield f"{published} of {len(of_file(file))} blocks are published"
        yield from bad_blocks(place, damaged)

    def ask(self, task: str, scene: str) -> tuple[int, list[str]]:
        """Has a task done in a fork of the process that is ready for that."""
        place = self._place
        code, said = json.loads(self._child.ask(json.dumps([task, scene, str(place.directory), place.key, self._seed])))
        return code, said


class PythonStage(Stage):
    """Of a process that is one fork."""

    def play(self, scene: str) -> tuple[int, list[str]]:
        return self.ask("play", scene)


class JavaStage(Stage):
    """Of a JVM of its own each time."""

    def play(self, scene: str) -> tuple[int, list[str]]:
        played = SCENES[scene]
        worker = Worker(self.java, environment(**self.syscalls.environment))
        try:
            options = dict(played.options)
            steps = [lambda: worker.words("arm"), lambda: worker.store(self._place, played.tiers, **options)]
            if not played.opens:
                steps.reverse()
            said = [step() for step in steps]
            said.append(worker.blocks(played.verb, played.blocks))
            if not all(said):
                return worker.code(), []
            wrong = [answer for answer in said if not answer.isdigit()]
            return int(bool(wrong)), wrong
        finally:
            worker.end()


@contextmanager
def stage(language: str, seed: int) -> Iterator[Stage]:
    """A stage of ``python`` or ``java``."""
    with ExitStack() as stack:
        where = "/dev/shm" if Path("/dev/shm").is_dir() else None
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="hybridfs-crash-", dir=where))
        opened = (PythonStage if language == "python" else JavaStage)(Path(scratch), seed)
        stack.callback(opened.end)
        yield opened
