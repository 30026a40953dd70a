"""What can happen to the disk under running readers of both languages. Each case is a function of a `Stage`."""

from __future__ import annotations

import errno
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.python.support import blocks_in, temporary_files
from tests.torture import failing_disk
from tests.torture.cached import check_blocks
from tests.torture.failing_disk import Calls, FailingDisk
from tests.torture.outcome import Outcome, unfit
from tests.torture.readers import NameNode, Reader, Readers, read_rightly, write_files

_THREADS = 2
_LEAKED_DESCRIPTORS = 40  # a client's own sockets come and go


@dataclass
class Stage:
    """A place for roots, an HDFS and the faults of one run. It is within a mount namespace of its own."""

    namenode: NameNode
    scratch: Path
    outcome: Outcome
    rng: random.Random
    languages: tuple[str, ...] = ("python", "java")
    readers: list[Reader] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    disk: FailingDisk | None = None
    classes: Path | None = None
    turn: int = 0
    share: float = 1.0  # of the faults of which there are many kinds

    @property
    def place(self) -> Path:
        """What is mounted upon, and what the faults of the disk are of."""
        return self.scratch / "place"

    @property
    def root(self) -> Path:
        return self.place / "root"

    @contextmanager
    def reading(self, *, count: int = 3, failing: bool = False, **options: Any) -> Iterator[None]:
        """Readers of both languages, and files that nothing is cached of."""
        self.turn += 1
        self.place.mkdir(exist_ok=True)
        if failing and self.disk is None:
            self.disk = FailingDisk(self.place, self.scratch)
        if self.disk:
            self.disk.mend()
        self.files = write_files(self.namenode, self.scratch, self.outcome.seed * 1000 + self.turn, count=count)
        env = self.disk.environment if failing and self.disk else {}
        before = options.pop("before", {})
        languages = options.pop("languages", self.languages)
        with Readers(self.namenode, self.scratch / f"turn{self.turn}", self.classes) as readers:
            self.readers = [
                readers.start(name, self.root, env=env, before=before.get(name, ()), **options) for name in languages
            ]
            self.classes = readers.classes
            for reader in self.readers:
                reader.know(self.files)
            yield
        shutil.rmtree(self.root, ignore_errors=True)

    def read_all(self, what: str) -> None:
        """Every reader reads every file, right."""
        for reader in self.readers:
            read_rightly(reader, self.files, self.outcome, f"{what}, {reader.language}")

    @contextmanager
    def load(self, what: str) -> Iterator[None]:
        """Random reads by all, none of which may fail."""
        for reader in self.readers:
            reader.ask("go", _THREADS, self.rng.randrange(1 << 30))
        time.sleep(0.3)
        yield
        for reader in self.readers:
            found = reader.ask("stop")
            reader.ask("settle")
            told = f"{what}, {reader.language}"
            self.outcome.say(f"{told}: {found}")
            self.outcome.add("random reads", found["reads"])
            self.outcome.add("bytes compared", found["bytes"])
            self.outcome.check(found["reads"], f"{told}: nothing was read")
            self.outcome.check(not unfit(found), f"{told}: {unfit(found)}")
            self.outcome.check(not found["errors"], f"{told}: reads failed: {found['errors']}, {found['example']}")

    def faults_were_told(self, what: str, *, each: bool = True) -> None:
        """Counted, and warned of once by each who met one."""
        counted = [reader.stats()["tier_faults"] for reader in self.readers]
        self.outcome.check(all(counted) if each else any(counted), f"{what}: faults counted: {counted}")
        for reader, count in zip(self.readers, counted, strict=True):
            warnings = reader.warnings()
            self.outcome.check(len(warnings) == min(count, 1), f"{what}, {reader.language}: {count} faults, {warnings}")
        self.outcome.add("faults of the disk that were counted", sum(counted))

    def comes_back(self, what: str) -> None:
        """Once the tier is no longer set aside it is filled, and serves, again; without a new process."""
        for reader in self.readers:
            reader.ask("later")
        before = [reader.stats() for reader in self.readers]
        self.read_all(f"{what}, mended")
        self.read_all(f"{what}, mended, again")
        after = [reader.stats() for reader in self.readers]
        total = sum(copy.stat().st_size for copy in self.files.values())
        for reader, old, new in zip(self.readers, before, after, strict=True):
            self.outcome.check(
                new["tier_faults"] == old["tier_faults"],
                f"{what}, {reader.language}: it is mended, but {new['tier_faults'] - old['tier_faults']} more faults",
            )
            got = new["hit_bytes"] - old["hit_bytes"]
            self.outcome.check(
                got >= total, f"{what}, {reader.language}: mended, {got} of {total} bytes come from cache"
            )
        blocks = check_blocks(self.root, self.files, self.outcome, what)
        self.outcome.check(blocks > 0, f"{what}: mended, nothing is cached")
        self.nothing_is_left(what)

    def nothing_is_left(self, what: str) -> None:
        pids = {str(reader.pid): reader.language for reader in self.readers}
        left = [
            (pids.get(path.name.partition("-")[0], "another"), path.name, path.stat().st_size)
            for path in temporary_files(self.root)
        ]
        self.outcome.check(not left, f"{what}: temporary files {left} of {pids}")


def full(stage: Stage) -> None:
    """ENOSPC: the disk is smaller than the budget."""
    with mounted(stage, "size=5m"), stage.reading(count=6, disk="1GiB"):
        for turn in range(3):
            with stage.load(f"full disk, turn {turn}"):
                time.sleep(1)
            for reader in stage.readers:
                reader.ask("later")
        stage.faults_were_told("full disk", each=False)
        stage.read_all("full disk")
        blocks = check_blocks(stage.root, stage.files, stage.outcome, "full disk")
        stage.outcome.check(blocks > 20, f"full disk: only {blocks} blocks are kept")
        stage.nothing_is_left("full disk")


def full_of_others(stage: Stage) -> None:
    """ENOSPC that eviction cannot mend: blocks are still read from the tier, and none is published for a while."""
    with mounted(stage, "size=12m"), stage.reading(count=2, disk="1GiB"):
        stage.read_all("filled")
        cached = len(blocks_in(stage.root))
        subprocess.run(["dd", "if=/dev/zero", f"of={stage.place}/others", "bs=64k"], capture_output=True, check=False)
        old = stage.files
        stage.files = old | write_files(stage.namenode, stage.scratch, stage.rng.randrange(1 << 30), count=2)
        for reader in stage.readers:
            reader.know(stage.files)
        with stage.load("full of others"):
            time.sleep(1)
        left = len(blocks_in(stage.root))
        stage.outcome.say(f"full of others: {cached} blocks before, {left} after")
        stage.faults_were_told("full of others", each=False)
        stage.nothing_is_left("full of others")
        (stage.place / "others").unlink()
        stage.comes_back("no longer full")


def read_only(stage: Stage) -> None:
    """EROFS: what processes have open for writing stays so, every path is read-only."""
    with mounted(stage, "size=64m"), stage.reading(disk="2MiB"):
        with stage.load("read-only"):
            stage.root.mkdir(exist_ok=True)
            subprocess.run(["mount", "--bind", stage.root, stage.root], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", stage.root], check=True)
            time.sleep(1.5)
        stage.faults_were_told("read-only")
        subprocess.run(["umount", "-l", stage.root], check=True)
        for reader in stage.readers:
            reader.ask("later")
        with stage.load("read-only, mended"):
            time.sleep(0.7)
        check_blocks(stage.root, stage.files, stage.outcome, "read-only, mended")


def errors(stage: Stage) -> None:
    """EIO, EACCES and others of each kind of call, for a while, under load."""
    kinds = [
        (failing_disk.READING, errno.EIO),
        (Calls.READ, errno.EIO),
        (failing_disk.WRITING, errno.EIO),
        (Calls.WRITE, errno.EDQUOT),
        (failing_disk.ALL, errno.EROFS),
        (Calls.OPEN, errno.EACCES),
        (Calls.UNLINK, errno.EPERM),
        (Calls.MAP, errno.ENOMEM),
        (Calls.STAT, errno.EIO),
        (Calls.RENAME | Calls.MKDIR, errno.ENOSPC),
    ]
    for calls, error in stage.rng.sample(kinds, max(1, int(len(kinds) * stage.share))):
        what = f"{calls.name}: {errno.errorcode[error]}"
        with stage.reading(failing=True, disk="2MiB"):
            assert stage.disk is not None
            with stage.load(what):
                stage.disk.fail(error, calls)
                time.sleep(0.7)
                stage.disk.mend()
            stage.outcome.check(stage.disk.failed, f"{what}: no call failed")
            stage.outcome.add("system calls that failed", stage.disk.failed)
            if calls is not Calls.MAP:
                stage.faults_were_told(what, each=False)
            for reader in stage.readers:
                reader.ask("later")
            with stage.load(f"{what}, mended"):
                time.sleep(0.5)
            check_blocks(stage.root, stage.files, stage.outcome, what)
            stage.outcome.add("kinds of errors of the disk")


def errors_of_a_warm_disk(stage: Stage) -> None:
    """EIO where blocks are cached and were not opened yet: they are read from the origin, and later from here again."""
    with stage.reading(failing=True, disk="1GiB"):
        stage.read_all("fill")
    with stage.reading(failing=True, disk="1GiB"):
        assert stage.disk is not None
        stage.read_all("fill")
        shutil.copytree(stage.root, stage.scratch / "kept", copy_function=shutil.copy2)
        files = stage.files
    shutil.copytree(stage.scratch / "kept", stage.root, copy_function=shutil.copy2)
    shutil.rmtree(stage.scratch / "kept")
    stage.root.chmod(0o700)
    with stage.reading(failing=True, disk="1GiB"):
        stage.read_all("opened")  # a root that fails when it is opened is not used at all
        stage.files = files
        for reader in stage.readers:
            reader.know(files)
        stage.disk.fail(errno.EIO, Calls.READ)
        stage.read_all("EIO on a warm disk")
        stage.outcome.check(stage.disk.failed, "EIO on a warm disk: no call failed")
        stage.faults_were_told("EIO on a warm disk")
        stage.disk.mend()
        stage.comes_back("EIO on a warm disk")


def errors_at_each_call(stage: Stage) -> None:
    """The k-th call fails, once or from then on, of a process that opens an empty root, fills it and reads it again."""
    lives = int(40 * stage.share)
    for language in stage.languages:
        with stage.reading(failing=True, languages=(language,), count=2):
            pass
        assert stage.disk is not None
        stage.disk.fail(errno.EIO, failing_disk.ALL, first=1 << 40)  # only counts
        one_life(stage, language, "no fault")
        calls = stage.disk.seen
        stage.outcome.add(f"system calls of a life, {language}", calls)
        for number in sorted(stage.rng.sample(range(1, calls + 1), min(lives, calls))):
            error = stage.rng.choice([errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES])
            last = stage.rng.choice([number, number, 0])
            what = f"{language}, call {number} to {last or 'the end'}: {errno.errorcode[error]}"
            stage.disk.fail(error, failing_disk.ALL, first=number, last=last)
            one_life(stage, language, what, again=True)
            stage.outcome.add("lives with a system call that failed")


def one_life(stage: Stage, language: str, what: str, *, again: bool = False) -> None:
    disk = stage.disk
    assert disk is not None
    mend, disk.mend = disk.mend, lambda: None  # type: ignore[method-assign]  # set up by the caller
    try:
        with stage.reading(failing=True, languages=(language,), count=2):
            stage.read_all(what)
            stage.read_all(what)
            mend()
            if again and any(stage.root.glob("v1/layout")):
                for reader in stage.readers:
                    reader.ask("later")
                stage.read_all(f"{what}, mended")
            check_blocks(stage.root, stage.files, stage.outcome, what)
    finally:
        disk.mend = mend  # type: ignore[method-assign]


def removed(stage: Stage) -> None:
    """The root is removed, again and again, under readers and writers."""
    with stage.reading(disk="4MiB"):
        with stage.load("root removed"):
            for _ in range(8):
                shutil.rmtree(stage.root, ignore_errors=True)
                time.sleep(0.15)
        for reader in stage.readers:
            reader.ask("later")
        shutil.rmtree(stage.root, ignore_errors=True)
        stage.read_all("root removed, at last")
        check_blocks(stage.root, stage.files, stage.outcome, "root removed")
        mode = stage.root.stat().st_mode & 0o7777 if stage.root.exists() else 0o700
        stage.outcome.check(mode == 0o700, f"root removed: it came back with mode {mode:o}")


@contextmanager
def mounted(stage: Stage, *options: str) -> Iterator[None]:
    """A tmpfs at the place of the roots."""
    stage.place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(["mode=755", *options]), "tmpfs", str(stage.place)]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", stage.place], check=True)


def without_locks(stage: Stage) -> None:
    """A file system that knows no locks: work may be done twice, no more."""
    with stage.reading(failing=True, disk="2MiB"):
        assert stage.disk is not None
        stage.disk.fail(errno.ENOLCK, Calls.LOCK)
        with stage.load("without locks"):
            time.sleep(0.7)
        stage.outcome.check(stage.disk.failed, "without locks: none was asked for")
        stage.read_all("without locks")
        check_blocks(stage.root, stage.files, stage.outcome, "without locks")
        for reader in stage.readers:
            published, warnings = reader.stats()["published_blocks"], reader.warnings()
            stage.outcome.check(published, f"without locks, {reader.language}: nothing is published")
            stage.outcome.say(f"without locks, {reader.language}: {published} published, {warnings}")


def without_access_times(stage: Stage) -> None:
    """On a mount with noatime a block that was read again survives an eviction that takes most others."""
    for language in stage.languages:
        with mounted(stage, "size=64m", "noatime"), stage.reading(languages=(language,), disk="9MiB", count=2):
            hot = stage.files
            stage.read_all("fill")
            (reader,) = stage.readers
            reader.end()  # what a process has just published or has open is not read from the disk
            with Readers(stage.namenode, stage.scratch / f"again{stage.turn}-{language}", stage.classes) as again:
                stage.readers = [again.start(language, stage.root, disk="9MiB")]
                stage.readers[0].know(hot)
                stage.read_all("again")
                marked = sum(one.stat().st_atime_ns > one.stat().st_mtime_ns for one in blocks_in(stage.root))
                stage.outcome.check(
                    marked == len(blocks_in(stage.root)), f"noatime, {language}: only {marked} are marked"
                )
                names = {block.parent for block in blocks_in(stage.root)}
                stage.files = write_files(stage.namenode, stage.scratch, stage.rng.randrange(1 << 40), count=5)
                stage.readers[0].know(stage.files)
                stage.read_all("others")
                left = [block for block in blocks_in(stage.root) if block.parent in names]
                others = len(blocks_in(stage.root)) - len(left)
                told = f"noatime, {language}: {len(left)} of {marked} read again are kept, {others} others"
                stage.outcome.say(told)
                stage.outcome.check(stage.readers[0].stats()["evicted_blocks"], f"{told}; nothing was evicted")
                stage.outcome.check(len(left) > marked * 0.6, told)


def few_descriptors(stage: Stage) -> None:
    """RLIMIT_NOFILE: as few as a client of HDFS can do with; nothing fails, and nothing leaks."""
    limit = {
        "python": ("sh", "-c", 'ulimit -n 96; exec "$@"', "sh"),
        "java": ("sh", "-c", 'ulimit -n 180; exec "$@"', "sh"),
    }
    with stage.reading(count=6, disk="1GiB", before=limit):
        stage.read_all("few descriptors")
        before = [reader.ask("census", stage.root) for reader in stage.readers]
        for turn in range(2):
            with stage.load(f"few descriptors, turn {turn}"):
                time.sleep(1)
        for reader, old in zip(stage.readers, before, strict=True):
            now = reader.ask("census", stage.root)
            stage.outcome.say(f"few descriptors, {reader.language}: {old}, later {now}")
            grown = now["descriptors"] - old["descriptors"]
            stage.outcome.check(grown < _LEAKED_DESCRIPTORS, f"few descriptors, {reader.language}: {grown} more")
            faults = reader.stats()["tier_faults"]
            stage.outcome.check(not faults, f"few descriptors, {reader.language}: {faults} faults, {reader.warnings()}")


def little_memory(stage: Stage) -> None:
    """RLIMIT_AS, as spark.executor.pyspark.memory sets it: where no map can be made, blocks are read."""
    with stage.reading(count=12, disk="1GiB", languages=("python",), map_budget="1GiB"):
        (reader,) = stage.readers
        stage.read_all("fill")
        with stage.load("before the limit"):  # all threads have their stacks
            time.sleep(0.5)
        stage.files |= write_files(stage.namenode, stage.scratch, stage.rng.randrange(1 << 40), count=8)
        reader.know(stage.files)
        reader.ask("limit", "AS", reader.ask("size")["bytes"] + (12 << 20))
        with stage.load("little memory"):
            time.sleep(1.5)
        stage.read_all("little memory")
        maps = reader.ask("census", stage.root)["maps_below"]
        blocks = len(blocks_in(stage.root))
        stage.outcome.say(f"little memory: {maps} of {blocks} blocks mapped")
        stage.outcome.check(0 < maps < blocks, f"little memory: {maps} of {blocks} blocks are mapped, so no map failed")
        faults = reader.stats()["tier_faults"] + reader.stats()["corrupt"]
        stage.outcome.check(not faults, f"little memory: {faults} faults, {reader.warnings()}")


CASES: tuple[Callable[[Stage], None], ...] = (
    full,
    full_of_others,
    read_only,
    removed,
    errors_of_a_warm_disk,
    errors,
    errors_at_each_call,
    without_locks,
    without_access_times,
    few_descriptors,
    little_memory,
)
