"""A faulty HDFS: DataNodes that die, freeze or hold rotten blocks, a NameNode that restarts, under both readers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark_ext.bed import Hdfs
from tests.torture.cached import check_blocks
from tests.torture.outcome import Outcome, unfit
from tests.torture.readers import Reader, Readers, read_rightly, write_files

_THREADS = 3
_SLOWEST_SECONDS = 60.0
_PATIENCE = 7  # seconds; longer than a client waits for a frozen DataNode
# So that evicted blocks are not kept open, and the origin goes on to be asked.
_FEW_DESCRIPTORS = ("sh", "-c", 'ulimit -n 200; exec "$@"', "sh")


@dataclass
class Scene:
    """An HDFS and readers of both languages over one small root."""

    hdfs: Hdfs
    scratch: Path
    outcome: Outcome
    rng: random.Random
    readers: dict[str, Reader] = field(default_factory=dict)
    turn: int = 0

    @property
    def root(self) -> Path:
        return self.scratch / "root"

    def start(self, readers: Readers) -> None:
        options = {"disk": "2MiB", "readahead": "256KiB", "fetch_size": "256KiB"}
        self.readers["python"] = readers.start("python", self.root, before=_FEW_DESCRIPTORS, **options)
        self.readers["java"] = readers.start("java", self.root, **options)

    def new_files(self, replication: int = 2) -> dict[str, Path]:
        """Files that nothing is cached of, known to all readers in place of those before."""
        self.turn += 1
        seed = self.rng.randrange(1 << 20) * 100 + self.turn
        files = write_files(self.hdfs, self.scratch, seed, replication=replication)
        for reader in self.readers.values():
            reader.ask("forget")
            reader.know(files)
        return files

    def load(self, what: str, fault: Callable[[], None], *, may_fail: bool, replication: int = 2) -> None:
        """Random reads while a fault comes and goes; afterwards all is as if there had been none."""
        files = self.new_files(replication)
        for reader in self.readers.values():
            reader.ask("go", _THREADS, self.rng.randrange(1 << 30))
        time.sleep(0.5)
        fault()
        time.sleep(0.5)
        for language, reader in self.readers.items():
            self.judge(f"{what}, {language}", reader.ask("stop"), may_fail=may_fail)
        self.check_healthy(what, files)

    def judge(self, what: str, found: dict[str, Any], *, may_fail: bool) -> None:
        errors = sum(found["errors"].values())
        self.outcome.add("random reads", found["reads"])
        self.outcome.add("bytes compared", found["bytes"])
        self.outcome.add("errors of the origin", errors)
        self.outcome.say(f"{what}: {found}")
        self.outcome.check(not unfit(found), f"{what}: {unfit(found)}")
        self.outcome.check(may_fail or not errors, f"{what}: {errors} reads failed: {found['example']}")
        self.outcome.check(found["reads"] > 0, f"{what}: nothing was read")
        self.outcome.check(found["slowest"] < _SLOWEST_SECONDS, f"{what}: a read took {found['slowest']} s")

    def check_healthy(self, what: str, files: dict[str, Path]) -> None:
        """The origin is well again: every read is right, and what is cached is right; twice, the second time cached."""
        for _ in range(2):
            for language, reader in self.readers.items():
                read_rightly(reader, files, self.outcome, f"{what}, {language}, afterwards")
        check_blocks(self.root, files, self.outcome, what)
        self.check_counters(what)

    def check_counters(self, what: str) -> None:
        for language, reader in self.readers.items():
            check_counters(reader.stats(), self.outcome, f"{what}, {language}")
            self.outcome.check(not reader.warnings(), f"{what}, {language}: {reader.warnings()}")

    def cached(self, files: dict[str, Path]) -> int:
        return check_blocks(self.root, files, self.outcome, "meanwhile")


def check_counters(stats: dict[str, int], outcome: Outcome, what: str) -> None:
    """What must hold of the counters when only the origin was faulty and all is quiet."""
    for name in ("corrupt", "tier_faults"):
        outcome.check(stats[name] == 0, f"{what}: {name} {stats[name]}")
    outcome.check(stats["published_blocks"] <= stats["miss_blocks"], f"{what}: more published than missed: {stats}")
    outcome.check(stats["published_bytes"] <= stats["origin_bytes"], f"{what}: more published than fetched: {stats}")
    reasons = ("cold", "version_changed", "corrupt", "lock_timeout", "tier_off", "no_space", "fill_limit")
    told = [stats[f"miss_{reason}"] for reason in reasons if f"miss_{reason}" in stats]
    if told:
        outcome.check(sum(told) == stats["miss_blocks"], f"{what}: reasons {told} of {stats['miss_blocks']} misses")


def a_datanode_dies(scene: Scene) -> None:
    def fault() -> None:
        scene.hdfs.kill("datanode0")
        time.sleep(1)

    scene.load("a DataNode killed", fault, may_fail=False)
    scene.hdfs.start("datanode0")


def _down_and_up(
    scene: Scene,
    roles: list[str],
    down: Callable[[str], object],
    up: Callable[[str], object],
    seconds: float,
    what: str,
) -> None:
    def fault() -> None:
        for role in roles:
            down(role)
        time.sleep(seconds)
        for role in roles:
            up(role)

    scene.load(what, fault, may_fail=True)


def _datanodes(scene: Scene) -> list[str]:
    return [f"datanode{n}" for n in range(len(scene.hdfs._datanodes))]


def all_datanodes_die(scene: Scene) -> None:
    hdfs = scene.hdfs
    _down_and_up(scene, _datanodes(scene), hdfs.kill, hdfs.start, 2, "all DataNodes killed and back")


def the_namenode_restarts(scene: Scene) -> None:
    _down_and_up(scene, ["namenode0"], scene.hdfs.kill, scene.hdfs.start, 0.5, "the NameNode restarted")


def a_datanode_freezes(scene: Scene) -> None:
    _down_and_up(scene, ["datanode1"], scene.hdfs.pause, scene.hdfs.resume, _PATIENCE, "a DataNode frozen")


def all_datanodes_freeze(scene: Scene) -> None:
    hdfs = scene.hdfs
    _down_and_up(scene, _datanodes(scene), hdfs.pause, hdfs.resume, _PATIENCE, "all DataNodes frozen")


def one_replica_rots(scene: Scene) -> None:
    """The client must find out, and take the other replica."""
    files = scene.new_files()
    rotten = rot(scene.hdfs, files, replicas=1)
    scene.outcome.check(rotten > 0, "no replica was found to rot")
    scene.outcome.add("replicas made rotten", rotten)
    scene.check_healthy("one replica rotten", files)


def the_only_replica_rots(scene: Scene) -> None:
    """The error is the origin's own; nothing of it is cached."""
    files = scene.new_files(replication=1)
    whole = {path: copy.read_bytes() for path, copy in files.items()}
    scene.outcome.add("replicas made rotten", rot(scene.hdfs, files, replicas=2))
    for language, reader in scene.readers.items():
        for path in files:
            found = reader.read(path)
            what = f"the only replica rotten, {language}"
            scene.outcome.say(f"{what}: {found}")
            scene.outcome.check(not found["wrong"], f"{what}: {found}")
            scene.outcome.check(found["error"], f"{what}: no error, {found}")
            scene.outcome.check(found["seconds"] < _SLOWEST_SECONDS, f"{what}: {found}")
            scene.outcome.add("errors of the origin", bool(found["error"]))
        reader.ask("settle")
    check_blocks(scene.root, whole, scene.outcome, "the only replica rotten")
    scene.check_counters("the only replica rotten")


def rot(hdfs: Hdfs, files: dict[str, Path], replicas: int) -> int:
    """Turns a byte in the middle of up to so many replicas of each HDFS block of the files; returns how many."""
    wanted = [copy.read_bytes()[at : at + (1 << 20)] for copy in files.values() for at in range(0, 3 << 20, 1 << 20)]
    left = {piece: replicas for piece in wanted if piece}
    turned = 0
    roles = [f"datanode{n}" for n in range(len(hdfs._datanodes))]
    for role in roles:
        for block in hdfs.data_dir(role).glob("current/BP-*/current/*/**/blk_*"):
            content = block.read_bytes() if block.suffix != ".meta" else b""
            if left.get(content):
                left[content] -= 1
                turned += 1
                middle = len(content) // 2
                with block.open("r+b") as file:
                    file.seek(middle)
                    file.write(bytes(byte ^ 0xFF for byte in content[middle : middle + 16]))
    return turned


SHORT = (a_datanode_dies, one_replica_rots, the_only_replica_rots, the_namenode_restarts)
LONG = (*SHORT, all_datanodes_die, a_datanode_freezes, all_datanodes_freeze)


def torture(scratch: Path, outcome: Outcome, cases: tuple[Callable[[Scene], None], ...] = LONG) -> None:
    """Runs the cases one after the other over one HDFS."""
    with Hdfs(datanodes=2) as hdfs, Readers(hdfs, scratch) as readers:
        scene = Scene(hdfs, scratch, outcome, random.Random(outcome.seed))
        scene.start(readers)
        for case in cases:
            outcome.say(getattr(case, "__name__", "").replace("_", " "))
            case(scene)
            outcome.add("faults of HDFS")
