"""When the origin is asked who may read, and what is asked of it: calls are counted, and nothing leaves unasked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.python.support import BLOCK, ScriptedOrigin, cache, misses, pattern

DATA = pattern(4 * BLOCK + 100)
FILL = {"authorize": "fill"}


def asked(origin: ScriptedOrigin, act: Callable[[], object]) -> dict[str, int]:
    """The calls of the origin that ``act`` makes."""
    before = origin.calls.copy()
    act()
    return dict(origin.calls - before)


def deny(origin: ScriptedOrigin) -> None:
    """From now on the user may not read."""

    def refuse(call: str, path: str) -> None:
        if call == "before open":
            raise PermissionError(13, "denied", path)

    origin.hook = refuse


def warm(root: Path, origin: ScriptedOrigin, **options: object) -> None:
    with cache(root, **options) as used:
        assert used.read(origin, "/f") == DATA


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({"freshness": "0"}, {"status": 1, "open": 1}),
        ({"freshness": "1h"}, {"status": 1}),
        (FILL, {"status": 1}),
        (FILL | {"freshness": "1h"}, {"status": 1}),
    ],
)
def test_what_a_hot_open_asks(
    tmp_path: Path, origin: ScriptedOrigin, options: dict[str, str], calls: dict[str, int]
) -> None:
    warm(tmp_path, origin, **options)
    with cache(tmp_path, **options) as used:
        used.read(origin, "/f")  # a grant, where one is kept
        assert asked(origin, lambda: used.read(origin, "/f")) == calls
        assert used.counts["origin_bytes"] == 0


def test_the_permission_is_asked_for_beside_the_version(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """Of a version that was granted before each of the two waits for the other: else they would never end."""
    warm(tmp_path, origin)
    both = threading.Barrier(2)

    def meet(call: str, path: str) -> None:
        if call.startswith("before"):
            both.wait(10)

    with cache(tmp_path) as used:
        used.read(origin, "/f")
        origin.hook = meet
        with used.open(origin, "/f") as file:
            assert file.read(10) == DATA[:10]


@pytest.mark.parametrize("options", [{"freshness": "0"}, {"freshness": "1h"}])
@pytest.mark.parametrize("is_cached", [False, True])
def test_what_the_first_open_in_a_process_asks(
    tmp_path: Path, origin: ScriptedOrigin, options: dict[str, str], is_cached: bool
) -> None:
    """The version, then the permission beside the version, then the version again, not before bytes are wanted."""
    if is_cached:
        warm(tmp_path, origin)
    order: list[str] = []
    origin.write("/guarded", DATA)
    with cache(tmp_path, readahead=0, **options) as used:
        used.open(origin, "/guarded").close()  # in this directory not everybody may read all
        origin.hook = lambda call, path: order.append(call)
        with used.open(origin, "/f") as file:
            expected = ["before status", "after status"]
            assert order[:2] == expected
            assert sorted(order[2:]) == ["after open", "after status", "before open", "before status"]
            expected = order[:]
            file.read(10)
            expected += [] if is_cached else ["before read", "after read"]
            expected += ["before status", "after status"]
            assert order == expected
            if is_cached:
                file.read()
                assert order == expected
        used.settle()
        calls = {"status": 1} if options["freshness"] == "1h" else {"status": 1, "open": 1}
        assert asked(origin, lambda: used.open(origin, "/f").pread(0, 10)) == calls


@pytest.mark.parametrize("denied_at", ["the open", "a byte"])
def test_with_fill_a_hit_needs_no_permission_and_a_miss_does(
    tmp_path: Path, origin: ScriptedOrigin, denied_at: str
) -> None:
    origin.write("/other", DATA)
    with cache(tmp_path, readahead=0, **FILL) as used:
        with used.open(origin, "/f") as file:
            assert file.read(BLOCK) == DATA[:BLOCK]
        used.settle()
        deny(origin)
        if denied_at == "the open":
            with pytest.raises(PermissionError):
                used.open(origin, "/other")
        else:
            with used.open(origin, "/f") as file:
                assert file.read(BLOCK) == DATA[:BLOCK]
                with pytest.raises(PermissionError):
                    file.read(1)
        assert misses(used.counts) == {"cold": 1, "denied": 1}


def test_with_fill_a_changed_file_is_asked_for_anew(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """What was readable is not what is there now."""
    warm(tmp_path, origin, **FILL)
    origin.write("/f", DATA[::-1])
    deny(origin)
    with cache(tmp_path, **FILL) as used, pytest.raises(PermissionError):
        used.open(origin, "/f")


def test_with_fill_what_is_flushed_to_a_new_file_is_seen(tmp_path: Path, origin: ScriptedOrigin) -> None:
    version = origin.write("/f", DATA)
    known = version.status
    origin.status = lambda path, **_: type(known)(100, known.token)  # type: ignore[method-assign]
    with cache(tmp_path, **FILL) as used:
        assert used.read(origin, "/f") == DATA
        assert misses(used.counts) == {"under_construction": 1}


# ---- grants, and what they must not let out


@pytest.mark.parametrize("then", ["replaced", "appended", "gone and back"])
def test_a_grant_is_of_one_version(tmp_path: Path, origin: ScriptedOrigin, then: str) -> None:
    """The path was readable a moment ago: that says nothing of the file that has the path now."""
    first = origin.files["/f"]
    with cache(tmp_path, freshness="1h") as used:
        assert used.read(origin, "/f") == DATA
        used.settle()
        origin.write("/f", DATA + b"more" if then == "appended" else DATA[::-1])
        deny(origin)
        with pytest.raises(PermissionError):
            used.open(origin, "/f")
        if then == "gone and back":  # the version that was granted, before another answer
            origin.files["/f"] = first
            with pytest.raises(PermissionError):
                used.open(origin, "/f")
        assert used.counts["miss_denied"] == 1 + (then == "gone and back")


def test_a_version_that_replaces_a_granted_one_is_granted_in_its_turn(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path, freshness="1h") as used:
        assert used.read(origin, "/f") == DATA
        used.settle()
        origin.write("/f", DATA[::-1])
        assert used.read(origin, "/f") == DATA[::-1]
        used.settle()
        assert asked(origin, lambda: used.read(origin, "/f")) == {"status": 1}


def test_a_version_readable_once_and_not_now_gives_no_byte_of_the_origin(
    tmp_path: Path, origin: ScriptedOrigin
) -> None:
    with cache(tmp_path, freshness="1h", readahead=0) as used:
        with used.open(origin, "/f") as file:
            file.read(BLOCK)
        used.settle()
        deny(origin)
        with used.open(origin, "/f") as file:
            assert file.read(BLOCK) == DATA[:BLOCK]
            with pytest.raises(PermissionError):
                file.read(1)
        assert used.counts["origin_bytes"] == BLOCK


def test_after_the_interval_the_origin_is_asked(tmp_path: Path, origin: ScriptedOrigin) -> None:
    warm(tmp_path, origin)
    with cache(tmp_path, freshness="1s") as used:
        used.read(origin, "/f")
        deny(origin)
        used.read(origin, "/f")
        time.sleep(1.05)
        with pytest.raises(PermissionError):
            used.read(origin, "/f")


def test_a_grant_counts_from_when_it_was_asked_for(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """An answer that took longer than the interval is too old when it comes."""
    warm(tmp_path, origin)
    with cache(tmp_path, freshness="200ms") as used:
        origin.hook = lambda call, path: time.sleep(0.25) if call == "after open" else None
        used.open(origin, "/f").close()
        deny(origin)
        with pytest.raises(PermissionError):
            used.open(origin, "/f")


def test_nobody_else_uses_a_grant(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """Grants are of an origin, and that of a user: another one is another origin of the same domain."""
    other = ScriptedOrigin()
    other.files = origin.files
    deny(other)
    with cache(tmp_path, freshness="1h") as used:
        assert used.read(origin, "/f") == DATA
        with pytest.raises(PermissionError):
            used.open(other, "/f")


# ---- a link that is down


def cut(origin: ScriptedOrigin, error: Callable[[str], Exception], *calls: str) -> None:
    def fail(call: str, path: str) -> None:
        if call in [f"before {name}" for name in calls or ("status", "open", "read")]:
            raise error(path)

    origin.hook = fail


SILENT = [
    lambda path: ConnectionRefusedError(111, "refused", path),
    lambda path: TimeoutError("no answer"),
    lambda path: OSError(113, "no route to host", path),
]


@pytest.mark.parametrize("error", SILENT)
@pytest.mark.parametrize("authorize", ["open", "fill"])
def test_a_fresh_grant_serves_while_the_origin_is_silent(
    tmp_path: Path, origin: ScriptedOrigin, authorize: str, error: Callable[[str], Exception]
) -> None:
    origin.write("/other", DATA)
    with cache(tmp_path, freshness="1h", authorize=authorize) as used:
        assert used.read(origin, "/f") == DATA
        used.settle()
        cut(origin, error)
        assert used.read(origin, "/f") == DATA
        with pytest.raises(type(error("/x")), match="only within freshness of a grant") as caught:
            used.open(origin, "/other")
        assert type(caught.value) is type(error("/x"))


def test_without_a_fresh_grant_nothing_is_served(tmp_path: Path, origin: ScriptedOrigin) -> None:
    warm(tmp_path, origin)
    with cache(tmp_path, freshness="1s") as used:
        used.read(origin, "/f")
        cut(origin, SILENT[0])
        used.read(origin, "/f")
        time.sleep(1.05)
        with pytest.raises(ConnectionRefusedError, match="only within freshness"):
            used.open(origin, "/f")


def test_a_grant_is_fresh_if_it_was_when_the_open_was_asked_for(tmp_path: Path, origin: ScriptedOrigin) -> None:
    """However long the silence lasts."""
    warm(tmp_path, origin)
    with cache(tmp_path, freshness="1s") as used:
        used.read(origin, "/f")

        def slowly(path: str) -> Exception:
            time.sleep(1.1)
            return TimeoutError("no answer")

        cut(origin, slowly)
        assert used.read(origin, "/f") == DATA
        with pytest.raises(TimeoutError):
            used.open(origin, "/f")


@pytest.mark.parametrize(
    "answer",
    [
        lambda path: PermissionError(13, "denied", path),
        lambda path: FileNotFoundError(2, "gone", path),
        lambda path: OSError(5, "org.apache.hadoop.ipc.StandbyException", path),
    ],
)
def test_an_answer_is_no_silence(tmp_path: Path, origin: ScriptedOrigin, answer: Callable[[str], Exception]) -> None:
    with cache(tmp_path, freshness="1h") as used:
        used.read(origin, "/f")
        cut(origin, answer)
        with pytest.raises(type(answer("/f"))) as caught:
            used.open(origin, "/f")
        assert "freshness" not in str(caught.value)


# ---- what was answered holds while the origin is silent


ANSWERS: dict[str, Callable[[ScriptedOrigin], object]] = {
    "denied": deny,
    "closed directory": lambda origin: cut(origin, lambda path: PermissionError(13, "denied", path), "status"),
    "gone": lambda origin: origin.remove("/f"),
    "another version": lambda origin: origin.write("/f", DATA[::-1]),
    "being written": lambda origin: origin.write("/f", DATA + b"more", in_place=True),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("heard_by", ["open", "read"])
def test_a_grant_ends_with_an_answer(tmp_path: Path, origin: ScriptedOrigin, answer: str, heard_by: str) -> None:
    """Whoever hears it: an open, or a read of a file that was opened by a grant, where its bytes are not cached."""
    with cache(tmp_path, freshness="1h", readahead=0) as used:
        with used.open(origin, "/f") as file:
            file.read(10)
        used.settle()
        file = used.open(origin, "/f")
        ANSWERS[answer](origin)
        with suppress(OSError):
            file.pread(2 * BLOCK, 10) if heard_by == "read" or answer == "denied" else used.open(origin, "/f")
        cut(origin, SILENT[0])
        with pytest.raises(ConnectionRefusedError):
            used.open(origin, "/f")


def test_a_miss_while_the_origin_is_silent_fails(tmp_path: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path, freshness="1h", readahead=0) as used:
        with used.open(origin, "/f") as file:
            file.read(10)
        used.settle()
        cut(origin, SILENT[0])
        with used.open(origin, "/f") as file:
            assert file.read(10) == DATA[:10]
            file.seek(2 * BLOCK)
            with pytest.raises(ConnectionRefusedError):
                file.read(10)
