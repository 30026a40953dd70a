"""What an open of a cached file costs the NameNode, and who is told of it. Exact figures, in both languages."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.python.support import ScriptedOrigin, cache, pattern
from tests.security.counting import audit_lines, calls
from tests.security.matrix_run import Crowd

OPENS = 20
SIZE = 150_000
WAYS = [("python", "open"), ("python", "cat_file"), ("python", "cat_ranges"), ("spark", "status"), ("spark", "open")]
# Of one open of a cached file, at freshness=0 and inside the interval. The jar's first question for the version is the
# listing of the file, which has its blocks, too.
PERMISSION, STATUS, LISTING = "GetBlockLocations", "GetFileInfo", "GetListing"
BROUGHT = {"0": {PERMISSION: 1}, "1h": {}}  # by who brings a status
CALLS = {
    "python": {"0": {PERMISSION: 1, STATUS: 1}, "1h": {STATUS: 1}},
    "spark": {"0": {PERMISSION: 1, LISTING: 1}, "1h": {STATUS: 1}},
}


def opened(people: Crowd, language: str, way: str, path: str, times: int) -> None:
    """Bob opens a file so often, and reads it whole from the cache."""
    reader = people.readers[language, "bob"]
    before = reader.do("stats")
    for _ in range(times):
        found = reader.do("read", path=path, ways=[way])[way]
        assert found["bytes"] == SIZE, found
    after = reader.do("stats")
    grown = {name: after[name] - before[name] for name in ("opens", "hit_bytes", "origin_bytes")}
    assert grown == {"opens": times, "hit_bytes": times * SIZE, "origin_bytes": 0}


def hot_file(people: Crowd, name: str, freshness: str | None) -> str:
    """A file that alice has cached and all may read."""
    path = f"/matrix/{name}"
    people.write(path, pattern(SIZE), "0644")
    for reader in people.readers.values():
        reader.do("freshness", value=freshness)
    return path


@pytest.mark.parametrize(("language", "way"), WAYS)
def test_the_namenode_audits_each_open(people: Crowd, language: str, way: str) -> None:
    """freshness=0: one line of its log for each open, although all bytes come from the cache."""
    path = hot_file(people, f"audited-{language}-{way}", "0")
    opened(people, language, way, path, OPENS)
    lines = [line for line in audit_lines(people.house.cluster.namenode_log(), "open", path) if line.user == "bob"]
    print(f"{language} {way}: {len(lines)} audit lines of the NameNode for {OPENS} opens: {len(lines) / OPENS:.2f}")
    assert len(lines) == OPENS
    assert {line.fields["allowed"] for line in lines} == {"true"}


@pytest.mark.parametrize("freshness", ["0", "1h"])
@pytest.mark.parametrize(("language", "way"), WAYS)
def test_calls_of_a_hot_open(people: Crowd, language: str, way: str, freshness: str) -> None:
    path = hot_file(people, f"called-{language}-{way}-{freshness}", freshness)
    opened(people, language, way, path, 1)  # connects, brings the status, is granted
    with calls(people.house.cluster.hdfs) as found:
        opened(people, language, way, path, OPENS)
    wanted = (BROUGHT if way == "status" else CALLS[language])[freshness]
    print(f"{language} {way}, freshness={freshness}: { ({name: found[name] / OPENS for name in found}) } calls an open")
    assert found == {name: number * OPENS for name, number in wanted.items()}


@pytest.mark.parametrize(("language", "way"), WAYS)
def test_the_local_log_has_each_open(people: Crowd, language: str, way: str) -> None:
    """Default freshness: a line for each open and each close, of which the NameNode knows the first alone."""
    path = hot_file(people, f"told-{language}-{way}", None)
    opened(people, language, way, path, OPENS)
    log = (people.house.scratch / "audit.log").read_text()
    opens, closes = audit_lines(log, "open", path), audit_lines(log, "close", path)
    known = [line for line in audit_lines(people.house.cluster.namenode_log(), "open", path) if line.user == "bob"]
    print(f"{language} {way}: {len(opens)} local lines for {OPENS} opens, {len(known)} of the NameNode")
    assert [line.user for line in opens] == ["bob"] * OPENS
    assert [(line.fields["hit"], line.fields["miss"]) for line in closes] == [(str(SIZE), "0")] * OPENS
    assert len(known) == 1
    named = ("allowed", "ugi", "ip", "cmd", "src", "dst", "perm", "proto")
    assert tuple(opens[0].fields) == named == tuple(known[0].fields)[: len(named)]
    told = [{**line.fields, "ip": "", "proto": "", "callerContext": ""} for line in (opens[0], known[0])]
    assert told[0] == told[1]


@pytest.mark.parametrize(("language", "way"), WAYS)
def test_the_local_log_has_who_was_refused(people: Crowd, language: str, way: str) -> None:
    path = hot_file(people, f"refused-{language}-{way}", "0")
    people.house.cluster.web("PUT", path, op="SETPERMISSION", permission="0600")
    found = people.readers[language, "bob"].do("read", path=path, ways=[way])[way]
    lines = audit_lines((people.house.scratch / "audit.log").read_text(), "open", path)
    assert found["verdict"] == "denied"
    assert [(line.user, line.fields["allowed"]) for line in lines] == [("bob", "false")]


def test_a_grant_counts_from_when_it_was_asked_for(tmp_path: Path) -> None:
    """A slow answer does not add to the time in which a right that was taken still opens."""
    origin = ScriptedOrigin()
    origin.write("/f", pattern(100))

    def slowly(call: str, path: str) -> None:
        if call == "after open":  # the right was there; the answer is on its way
            time.sleep(0.6)

    with cache(tmp_path / "root", freshness="1s") as cached:
        origin.hook = slowly
        asked = time.monotonic()
        cached.read(origin, "/f")  # opens
        origin.hook = lambda call, path: None
        cached.read(origin, "/f")
        assert cached.counts["grants_reused"] == 1
        time.sleep(max(0.0, asked + 1.01 - time.monotonic()))
        cached.read(origin, "/f")
        assert cached.counts["grants_reused"] == 1
