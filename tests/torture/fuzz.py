"""Both readers on the same mutants of blocks: `python -m tests.torture.fuzz [--mutants N] [--seed S] [--log FILE]`.

Each mutant lies in the place of the block that it is made from, once in a root that Python reads in this process and
once, as a link to the same file, in one that a JVM reads. Both read a part of it, then all. Wrong are: bytes that are
not the block's; a mutant that is accepted although more than its validator was changed; a sound one that is refused; an
exception that is no refusal; and any difference between the readers in what they deliver, count and unlink.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hybridfs.layout import Identity
from tests.python.support import KIB, MIB, make_socket
from tests.torture.fuzz_readers import REFUSED, JavaReader, Outcome, PythonReader, Question, digest, path_of
from tests.torture.mutants import KINDS, Mutant, Seed, mutant, special

BATCH = 32
_SPECIAL_EVERY, _SPECIALS = 250, 400  # a tier that cannot be read is set aside: each needs a root of its own


@dataclass
class Figures:
    """What came of it. ``problems`` have the mutant's number: with the same seed it is the same mutant."""

    kinds: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)  # rightly
    parts: int = 0  # sound parts of refused blocks
    problems: dict[str, list[str]] = field(
        default_factory=lambda: {"wrong bytes": [], "accepted": [], "refused": [], "crashes": [], "disagreements": []}
    )

    @property
    def mutants(self) -> int:
        return self.kinds.total()

    @property
    def wrong(self) -> int:
        return sum(map(len, self.problems.values()))


# ---- seeds: blocks that both stores have written


def _identities() -> Iterator[tuple[Identity, int]]:
    """With a validator each."""
    long = "hdfs://prod/" + "/".join(f"part={n:04}" for n in range(150))
    for length in (1, 100, 65_535, 65_536, 65_537, 131_072, 200_001, MIB - 1, MIB, MIB + 5, 3 * MIB + 70_000):
        yield Identity("hdfs-prod", "hdfs://prod/a", "1700000000000", length), 16_386
        yield Identity("hdfs-prod", "hdfs://prod/a", "1700000000001", length), 16_386
        yield Identity("hdfs-prod", "hdfs://prod/b", "1700000000000", length), 0
        yield Identity("hdfs-Stra%C3%9Fe", "hdfs://Straße/данные/日本 語", "1700000000000", length), 2**40
        if length in (100, 65_537):
            yield Identity("hdfs-prod", long, "1", length), 7


def _seeds() -> list[Seed]:
    made = []
    for identity, validator in _identities():
        for block_size in (64 * KIB, MIB):
            last = identity.blocks(block_size) - 1
            for number in sorted({0, last // 2, last}):
                size = identity.block_length(number, block_size)
                data = random.Random(f"{identity} {block_size} {number}").randbytes(size)
                made.append(Seed(identity, number, block_size, validator, data))
    return made


class Bench:
    """The roots, the readers and the blocks that both languages have written."""

    def __init__(self, scratch: Path) -> None:
        self._sources = scratch / "sources"
        self._sources.mkdir()
        self.python = PythonReader(scratch / "python")
        self.java = JavaReader(scratch / "java", scratch)
        self.seeds = _seeds()
        self._generation: Counter[int] = Counter()
        self._stamp = time.time_ns()

    def close(self) -> None:
        self.java.close()

    def write_by_both(self) -> None:
        """The mutants are of blocks of both writers: they write the same bytes."""
        questions = [
            Question(Mutant("", seed, b""), f"by-{seed.block_size}", seed.validator, 0, 0) for seed in self.seeds
        ]
        for start in range(0, len(questions), BATCH):
            some = questions[start : start + BATCH]
            for at, question in enumerate(some):
                (self._sources / str(at)).write_bytes(question.mutant.seed.data)
            lines = (q.line(self.java.directory, "publish", self._sources / str(at)) for at, q in enumerate(some))
            self.java.tell(list(lines))
            for question in some:
                seed = question.mutant.seed
                path = self.java.hear()
                store, _ = self.python.store(question.root, seed.block_size)
                store.publish(seed.identity, seed.number, memoryview(seed.data), seed.validator)
                by_java = (self.java.directory / question.root / path).read_bytes()
                assert by_java == seed.content == path_of(self.python, question).read_bytes(), path
        for block_size in (64 * KIB, MIB):
            shutil.rmtree(self.python.directory / f"by-{block_size}")
            shutil.rmtree(self.java.directory / f"by-{block_size}")
            self.python.forget(f"by-{block_size}")

    def ask(self, slot: int, chance: random.Random, *, odd: bool) -> Question:
        """The next mutant, in its place in both roots."""
        made = (special if odd else mutant)(chance, self.seeds)
        seed = made.seed
        known = chance.choice((seed.validator, seed.validator, 0, chance.choice((1, seed.validator + 1))))
        at = chance.randrange(len(seed.data))
        size = chance.choice((1, chance.randint(1, len(seed.data) - at), len(seed.data) - at))
        name = f"{seed.block_size}-{slot}-{self._generation[slot]}"
        question = Question(made, name, known, at, size)
        self.python.store(name, seed.block_size)  # makes the root
        source = self._sources / str(slot)
        if not made.special:
            source.unlink(missing_ok=True)
            source.write_bytes(made.content)
            self._stamp += 1000  # no two mutants may look like one file to who remembers what was checked
            os.utime(source, ns=(self._stamp, self._stamp))
        for reader in (self.python, self.java):
            path = path_of(reader, question)
            path.parent.mkdir(parents=True, exist_ok=True)
            if made.special:
                _make_special(made, path)
            else:
                os.link(source, path)
        return question

    def settle(self, slot: int, question: Question, *, burnt: bool) -> None:
        """Takes the mutant away. After a fault of its tier the next one gets new roots."""
        for reader in (self.python, self.java):
            path = path_of(reader, question)
            shutil.rmtree(path.parent)
            if burnt:
                shutil.rmtree(reader.directory / question.root)
        if burnt:
            self.python.forget(question.root)
            self._generation[slot] += 1


def _make_special(made: Mutant, path: Path) -> None:
    beside = path.with_name("whole")
    beside.write_bytes(made.seed.content)
    match made.special:
        case "directory":
            path.mkdir()
        case "full directory":
            path.mkdir()
            (path / "file").write_bytes(made.seed.content)
        case "fifo":
            os.mkfifo(path)
        case "socket":
            make_socket(path)
        case "dangling link":
            path.symlink_to("nowhere")
        case "link to the block":
            path.symlink_to(beside.name)
        case "link to itself":
            path.symlink_to(path.name)


def _judge(number: int, question: Question, python: Outcome | str, java: Outcome | str, figures: Figures) -> None:
    made = question.mutant
    figures.kinds[made.kind] += 1
    label = f"mutant {number} ({made.kind}, {len(made.seed.data)} bytes, block {made.seed.number})"
    sound = made.is_sound_for(question.validator)
    right = digest(made.seed.data[question.at : question.at + question.size]), digest(made.seed.data)
    for name, outcome in (("Python", python), ("the JVM", java)):
        if isinstance(outcome, str):
            figures.problems["crashes"].append(f"{label}: {name}: {outcome}")
            continue
        for got, expected in zip((outcome.part, outcome.whole), right, strict=True):
            if got not in (REFUSED, expected):
                figures.problems["wrong bytes"].append(f"{label}: {name}")
        if outcome.whole != REFUSED and not sound:
            figures.problems["accepted"].append(f"{label}: {name}")
        if outcome.whole == REFUSED and sound:
            figures.problems["refused"].append(f"{label}: {name}")
    if not isinstance(python, str) and not isinstance(java, str):
        if python != java:
            figures.problems["disagreements"].append(f"{label}: Python {python}, the JVM {java}")
        figures.accepted[made.kind] += python.whole != REFUSED
        figures.parts += python.part != REFUSED and python.whole == REFUSED


@contextmanager
def _bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        where = "/dev/shm" if os.path.isdir("/dev/shm") else None
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="hybridfs-fuzz-", dir=where))
        bench = Bench(Path(scratch))
        stack.callback(bench.close)
        bench.write_by_both()
        yield bench


def _read_in_python(bench: Bench, question: Question) -> Outcome | str:
    try:
        return bench.python.read(question)
    except Exception as crash:
        return f"{type(crash).__name__}: {crash}"


def run(mutants: int, seed: int) -> Figures:
    """Tries so many mutants."""
    figures, chance = Figures(), random.Random(seed)
    with _bench() as bench:
        for start in range(0, mutants, BATCH):
            numbers = range(start, min(start + BATCH, mutants))
            odd = [n % _SPECIAL_EVERY == 7 and n < _SPECIALS * _SPECIAL_EVERY for n in numbers]
            asked = [bench.ask(n - start, chance, odd=is_odd) for n, is_odd in zip(numbers, odd, strict=True)]
            by_java = bench.java.read(asked)
            by_python = [_read_in_python(bench, question) for question in asked]
            for number, question, python, java in zip(numbers, asked, by_python, by_java, strict=True):
                _judge(number, question, python, java, figures)
                faults = [isinstance(one, str) or bool(one.counted[2]) for one in (python, java)]
                bench.settle(number - start, question, burnt=any(faults))
    return figures


def report(figures: Figures, seed: int) -> str:
    lines = [f"{'mutants':<28} {'tried':>9} {'accepted, rightly':>18}"]
    lines += [f"{kind:<28} {figures.kinds[kind]:>9,} {figures.accepted[kind]:>18,}" for kind in KINDS]
    for name, problems in figures.problems.items():
        lines += [f"{name.upper()}: {problem}" for problem in problems[:20]]
    right = f"accepted that were none {figures.accepted.total():,}, sound parts of refused ones {figures.parts:,}"
    wrong = ", ".join(f"{name} {len(some)}" for name, some in figures.problems.items())
    lines.append(f"mutants {figures.mutants:,}, {right}; {wrong}")
    return "\n".join([*lines, f"seed {seed}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    figures = run(options.mutants, options.seed)
    print(report(figures, options.seed))
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
