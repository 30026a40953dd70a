"""Locks on single bytes: between threads, processes, forks and a JVM (FORMAT.md section 6)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridfs.locks import LockFile, ThreadLocks
from spark_ext.bed.tools import java
from tests.python.support import Child, child, children, in_fork, talking_to, wait_for

FAR = (1 << 32) + (1 << 60) - 1  # the last byte that a flight can have


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


@pytest.fixture
def locks(path: str) -> Iterator[LockFile]:
    opened = LockFile(path, 0o600)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["threads", "file"])
def test_threads_exclude_each_other(kind: str, locks: LockFile) -> None:
    used: ThreadLocks = locks if kind == "file" else ThreadLocks()
    inside, most, turns = 0, 0, [0]

    def work() -> None:
        nonlocal inside, most
        while True:
            with used.holding(FAR) as got:
                if got:
                    inside += 1
                    most = max(most, inside)
                    turns[0] += 1
                    inside -= 1
                    if turns[0] >= 400:
                        return
            used.wait(0.001)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work) for _ in range(4)]:
            future.result(60)
    assert most == 1


def test_bytes_are_independent_and_a_free_one_can_be_taken_again(locks: LockFile) -> None:
    assert [locks.claim(offset) for offset in (0, 64, FAR, 0, FAR)] == [True, True, True, False, False]
    locks.release(0)
    assert [locks.claim(offset) for offset in (0, 64)] == [True, False]


def test_a_waiter_wakes_when_a_lock_is_released(locks: LockFile) -> None:
    assert locks.claim(1)
    waiter = threading.Thread(target=locks.wait, args=(60,))
    waiter.start()
    wait_for(lambda: locks._released._waiters, "the waiter waits")  # type: ignore[attr-defined]
    locks.release(1)
    waiter.join(10)
    assert not waiter.is_alive()


def test_two_open_files_of_one_process_exclude_each_other(path: str, locks: LockFile) -> None:
    other = LockFile(path, 0o600)
    assert locks.claim(FAR)
    assert not other.claim(FAR)
    locks.release(FAR)
    assert other.claim(FAR)
    other.close()
    assert locks.claim(FAR)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError):
        LockFile(str(tmp_path / "link"), 0o600)
    assert not (tmp_path / "target").exists()


HOLD = """
import sys
from hybridfs.locks import LockFile
locks = LockFile(sys.argv[1], 0o600)
print(locks.claim(int(sys.argv[2])), flush=True)
sys.stdin.readline()
"""


def test_processes_exclude_each_other(path: str, locks: LockFile) -> None:
    with child(HOLD, path, FAR) as process:
        assert process.hear() == "True"
        assert not locks.claim(FAR)
        assert locks.claim(FAR - 1)
        process.tell("end")
        process.rest()
        assert locks.claim(FAR)


def test_a_holder_that_is_killed_frees_its_locks(path: str, locks: LockFile) -> None:
    with child(HOLD, path, FAR) as process:
        assert process.hear() == "True"
        process.kill()
        wait_for(lambda: locks.claim(FAR), "the lock of a dead process is free", 5)


COUNT = """
import sys
from hybridfs.locks import LockFile
locks, counter = LockFile(sys.argv[1], 0o600), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < 300:
    with locks.holding(5) as got:
        if got:
            with open(counter) as file:
                number = int(file.read())
            with open(counter, "w") as file:
                file.write(str(number + 1))
            done += 1
"""


def test_no_increment_is_lost_between_processes(path: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    with children(COUNT, [(path, counter)] * 3) as processes:
        assert [process.hear() for process in processes] == ["ready"] * 3
        for process in processes:
            process.tell("go")
        for process in processes:
            process.rest()
    assert counter.read_text() == "900"


def test_a_fork_neither_shares_nor_drops_its_parents_locks(path: str, locks: LockFile) -> None:
    assert locks.claim(FAR)

    def in_child() -> bool:
        locks.close()  # as the engine does in a child
        own = LockFile(path, 0o600)
        return not own.claim(FAR) and own.claim(FAR - 1)

    in_fork(in_child)
    with child(HOLD, path, FAR) as stranger:
        assert stranger.hear() == "False"
    locks.release(FAR)
    with child(HOLD, path, FAR) as stranger:
        assert stranger.hear() == "True"


@pytest.fixture
def jvm(path: str, locks: LockFile) -> Iterator[Child]:
    source = str(Path(__file__).with_name("HoldLock.java"))
    with talking_to([java(), "-Xmx64m", "-XX:+UseSerialGC", source, path]) as process:
        yield process


def test_a_jvm_and_python_exclude_each_other(jvm: Child, locks: LockFile) -> None:
    assert locks.claim(FAR)
    assert jvm.ask(f"lock {FAR}") == "busy"
    locks.release(FAR)
    assert jvm.ask(f"lock {FAR}") == "got"
    assert not locks.claim(FAR)
    assert locks.claim(0)
    assert jvm.ask("free") == "freed"
    assert locks.claim(FAR)
    assert jvm.ask("lock 0") == "busy"
    jvm.kill()


def test_a_file_system_without_locks_does_the_work_twice(locks: LockFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(os.strerror(95))

    monkeypatch.setattr("hybridfs.locks.fcntl.fcntl", unsupported)
    assert locks.claim(FAR)
    assert not locks.claim(FAR), "threads of this process still exclude each other"
    locks.release(FAR)
    assert locks.claim(FAR)
