"""The readers of mutants: Python in this process, and a JVM. Both answer alike."""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridfs import config
from hybridfs.blocks import CachedBlock
from hybridfs.errors import CorruptBlock
from hybridfs.layout import block_path
from hybridfs.root import open_root
from hybridfs.stats import Stats
from hybridfs.store import Store
from tests.torture.jvm import compiled, java_command
from tests.torture.mutants import Mutant

_PATIENCE = 30.0
_COUNTED = ("corrupt", "version_changed", "tier_faults")
REFUSED = "refused"


@dataclass(frozen=True)
class Question:
    """A block to read: ``root`` names its root; the reader knows ``validator``; ``at`` and ``size``: the part."""

    mutant: Mutant
    root: str
    validator: int
    at: int
    size: int

    def line(self, directory: Path, verb: str = "read", *more: object) -> str:
        identity, seed = self.mutant.seed.identity, self.mutant.seed
        words = (verb, directory / self.root, seed.block_size, identity.domain, identity.uri, identity.token)
        return "\t".join(map(str, (*words, identity.length, self.validator, seed.number, self.at, self.size, *more)))


@dataclass(frozen=True)
class Outcome:
    """Digests of the part and of the whole, or REFUSED; what was counted; whether the file is still there."""

    part: str
    whole: str
    counted: tuple[int, ...]
    kept: bool


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class PythonReader:
    """Reads in this process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stores: dict[str, tuple[Store, Stats]] = {}

    def store(self, root: str, block_size: int) -> tuple[Store, Stats]:
        if root not in self._stores:
            path, stats = str(self.directory / root), Stats()
            settings = config.settings(cache_dir=path, block_size=block_size, min_free=0)
            self._stores[root] = Store(open_root(path, block_size), settings, stats), stats
        return self._stores[root]

    def forget(self, root: str) -> None:
        self._stores.pop(root)[0].close()

    def read(self, question: Question) -> Outcome:
        """Raises what is no refusal."""
        seed = question.mutant.seed
        store, stats = self.store(question.root, seed.block_size)
        before = stats.snapshot()
        part = whole = REFUSED
        found = store.lookup(seed.identity, seed.number, question.validator)
        if isinstance(found, CachedBlock):
            try:
                part = digest(found.read(question.at, question.size))
                whole = digest(_whole(found, question.at % 3))
            except CorruptBlock as corrupt:
                store.discard(seed.identity, seed.number, found, corrupt)
            finally:
                found.close()
        after = stats.snapshot()
        return Outcome(part, whole, tuple(after[name] - before[name] for name in _COUNTED), _is_there(self, question))


def _whole(block: CachedBlock, way: int) -> bytes:
    if way == 0:
        return block.read(0, block.length)
    if way == 1:
        return bytes(block.view(0, block.length))
    into = bytearray(block.length)
    block.read_into(0, memoryview(into))
    return bytes(into)


class JavaReader:
    """Reads in a JVM, which is told and tells by lines; it is started anew when it dies or hangs."""

    def __init__(self, directory: Path, scratch: Path) -> None:
        self.directory = directory
        self._command = java_command(compiled(scratch, "FuzzReader.java"), "FuzzReader")
        self._log = (scratch / "jvm.log").open("wb")
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""

    def read(self, questions: Sequence[Question]) -> list[Outcome | str]:
        """An outcome each, or how the JVM crashed over it."""
        self.tell([question.line(self.directory) for question in questions])
        answers: list[Outcome | str] = []
        for number, question in enumerate(questions):
            heard = self.hear()
            words = heard.split(" ")
            if len(words) != 2 + len(_COUNTED) or heard.startswith("crash"):
                answers.append(heard or "the JVM hung or died")
                if not heard:
                    self.end()
                    self.tell([question.line(self.directory) for question in questions[number + 1 :]])
                continue
            there = _is_there(self, question)
            answers.append(Outcome(words[0], words[1], tuple(map(int, words[2:])), there))
        return answers

    def tell(self, lines: Sequence[str]) -> None:
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=self._log, bufsize=0)
            self._heard = b""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(line + "\n" for line in lines).encode())

    def hear(self) -> str:
        """The next line; empty when none comes."""
        assert self._process is not None
        assert self._process.stdout is not None
        poll = select.poll()  # select knows no descriptor above 1,023, and others of this process may have so many
        poll.register(self._process.stdout, select.POLLIN)
        while b"\n" not in self._heard:
            ready = poll.poll(_PATIENCE * 1000)
            more = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                return ""
            self._heard += more
        line, self._heard = self._heard.split(b"\n", 1)
        return line.decode()

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
            self._process = None

    def close(self) -> None:
        self.end()
        self._log.close()


def _is_there(reader: PythonReader | JavaReader, question: Question) -> bool:
    return os.path.lexists(path_of(reader, question))


def path_of(reader: PythonReader | JavaReader, question: Question) -> Path:
    seed = question.mutant.seed
    return reader.directory / question.root / block_path(seed.identity, seed.number, seed.block_size)
