"""A faulty client below the cache of a JVM: each of its calls fails, ends early or is late, once or from then on."""

from __future__ import annotations

import itertools

from tests.torture.cached import check_blocks
from tests.torture.origin_hdfs import Scene
from tests.torture.readers import read_rightly

_CALLS = ("status", "open", "locate", "read")
_KINDS = ("error", "short", "300")  # milliseconds
_FOR_EVER = 0


def every_call_fails(scene: Scene, at_most: int = 1000) -> None:
    """For each fault the JVM reads files whole: right bytes, or the fault as its error; then all is well."""
    reader = scene.readers["java"]
    files = scene.new_files()
    calls = clean_calls(scene, files)
    faults = [
        (call, at, last, kind)
        for call, kind in itertools.product(_CALLS, _KINDS)
        if call == "read" or kind != "short"
        for at in range(1, calls[call] + 1)
        for last in {at, _FOR_EVER if kind != "300" else at}
    ]
    for call, at, last, kind in scene.rng.sample(faults, min(at_most, len(faults))):
        what = f"java, {call} {at} to {last or 'the end'}: {kind}"
        forget(scene, files)
        reader.ask("origin", call, at, last, kind)
        failed = 0
        for path in files:
            found = reader.read(path)
            scene.outcome.check(not found["wrong"] or found["error"], f"{what}: {found}")
            ours = "the origin fails" in str(found["error"]) or "the origin ends early" in str(found["error"])
            scene.outcome.check(not found["error"] or ours, f"{what}: {found['error']} is not the origin's error")
            scene.outcome.check(found["seconds"] < 20, f"{what}: {found}")
            scene.outcome.add("bytes compared", found["read"])
            failed += bool(found["error"])
        scene.outcome.add("errors that readers saw", failed)
        scene.outcome.add("faults of a JVM's client")
        reader.ask("settle")
        check_blocks(scene.root, files, scene.outcome, what)
        reader.ask("origin", "none", 0, 0, "error")
        read_rightly(reader, files, scene.outcome, f"{what}, healed")
        check_blocks(scene.root, files, scene.outcome, f"{what}, healed")
    scene.check_counters("java, every call fails")


def clean_calls(scene: Scene, files: dict[str, object]) -> dict[str, int]:
    """How often each call comes when all files are read and none fails."""
    reader = scene.readers["java"]
    reader.ask("origin", "none", 0, 0, "error")
    for path in files:
        found = reader.read(path)
        scene.outcome.check(not found["error"] and not found["wrong"], f"java, no fault: {found}")
    reader.ask("settle")
    return reader.ask("calls")


def forget(scene: Scene, files: dict[str, object]) -> None:
    """Removes what is cached; who has it open may still read it."""
    for block in scene.root.glob("v1/hdfs-*/*/*/*"):
        block.unlink(missing_ok=True)
