"""What lies in a root is for whom its mode and its domains say: other users of the host, other users of one process."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.python.support import blocks_in, environment, pattern
from tests.security.matrix_beds import PRIVATE, SHARED, House, memory_of
from tests.security.matrix_run import Crowd
from tests.security.readers import Reader
from tests.torture.readers import NameNode, Readers, User

DATA = pattern(300_000)
BLOCKS = -(-len(DATA) // 65_536)
DIGEST = hashlib.sha256(DATA).hexdigest()
FILL = {"authorize": "fill"}
LANGUAGES = ("python", "spark")

# Tries, as whoever runs it, everything on all paths of its input; prints what was possible.
_TRY = """
import json, os, sys
def opened(path, flags):
    os.close(os.open(path, flags | os.O_NONBLOCK))
attempts = {
    "read": lambda path: opened(path, os.O_RDONLY),
    "write": lambda path: opened(path, os.O_WRONLY),
    "path": lambda path: opened(path, os.O_PATH),
    "list": os.listdir, "stat": os.stat, "lstat": os.lstat, "truncate": lambda path: os.truncate(path, 0),
    "link": lambda path: os.link(path, path + ".link"), "rename": lambda path: os.rename(path, path + ".moved"),
    "unlink": os.unlink,
}
names = sys.argv[1].split(",") if len(sys.argv) > 1 else list(attempts)
done, tried = [], 0
for path in json.load(sys.stdin):
    for name in names:
        tried += 1
        try:
            attempts[name](path)
        except OSError as error:
            assert error.errno in (1, 13, 20, 21), (name, path, error)
        else:
            done.append((name, path))
print(json.dumps({"tried": tried, "done": done}))
"""


def try_all(house: House, user: User, paths: list[Path], *names: str) -> dict[str, Any]:
    """What a process of this user can do to the paths."""
    command = [*house.stage.become(user), sys.executable, "-c", _TRY, *([",".join(names)] if names else [])]
    told = json.dumps([str(path) for path in paths])
    done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=60, env=environment())
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def below(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*"))


@pytest.fixture
def java(house: House, tmp_path: Path) -> Iterator[Readers]:
    """Starts JVMs that read through the jar, as other users of the host, too."""
    scratch = house.scratch / tmp_path.name
    scratch.mkdir()
    scratch.chmod(0o1777)
    with Readers(NameNode(house.cluster.authority), scratch) as readers:
        yield readers


def write(people: Crowd, name: str, mode: str = "0644") -> str:
    path = f"/matrix/roots-{name}-{time.monotonic_ns()}"
    people.write(path, DATA, mode)
    return path


def readable_copy(house: House) -> Path:
    """A local copy of the data, for JVMs of other users to compare with."""
    copy = house.scratch / "roots-data"
    copy.write_bytes(DATA)
    return copy


@pytest.mark.parametrize("mode", [PRIVATE, SHARED])
def test_others_cannot_touch_a_root(house: House, mode: int) -> None:
    """Neither what is on disk nor what is in memory; of a group's root, who is not in the group."""
    root = house.root(mode)
    local, path = readable_copy(house), f"/matrix/touch-{mode:o}"
    for number in range(3):  # what a process finds that was read before, comes to the memory tier
        alice = house.stage.python(house.user("alice"), root, memory="16MiB", disk="1GiB").ready()
        if number == 0:
            alice.do("put", path=path, source=str(local))
        assert alice.do("read", path=path, ways=["open"])["open"]["hash"] == DIGEST
        alice.do("settle")
    memory = memory_of(root)
    assert len(blocks_in(root)) == len(blocks_in(memory)) == BLOCKS
    paths = [*below(root), *below(memory)]
    stranger = User(41_003, 41_003, name="bob")
    bob = house.user("bob", other=True) if mode == PRIVATE else stranger
    before = {path: path.stat().st_mtime_ns for path in paths}
    found = try_all(house, bob, paths)
    tops = try_all(house, bob, [root, memory], "read", "list", "write", "rename")
    print(
        f"root {mode:o}: {found['tried']} attempts on {len(paths)} paths by another uid: {len(found['done'])} succeeded"
    )
    assert found["done"] == tops["done"] == []
    assert {path: path.stat().st_mtime_ns for path in [*below(root), *below(memory)]} == before
    owner = try_all(house, house.user("alice"), paths, "read")
    assert len(owner["done"]) == len(paths)  # the same attempts succeed for whom the root is


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_private_root_is_of_no_use_to_another_uid(people: Crowd, java: Readers, language: str) -> None:
    """Bob's cache_dir is alice's root: what HDFS lets him read comes from the origin, what it does not, fails."""
    house = people.house
    root = house.root(PRIVATE)
    alice = house.stage.python(house.user("alice"), root).ready()
    files = {mode: write(people, f"{language}-{mode}", mode) for mode in ("0644", "0600")}
    for path in files.values():
        assert alice.do("read", path=path, ways=["open"])["open"]["hash"] == DIGEST
    alice.do("settle")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_atime_ns) for path in blocks_in(root)}
    assert len(before) == 2 * BLOCKS
    bob = house.user("bob", other=True)
    if language == "python":
        reader = house.stage.python(bob, root).ready()
        allowed, refused = (reader.do("read", path=files[mode], ways=["open"])["open"] for mode in ("0644", "0600"))
        stats = reader.do("stats")
        assert (allowed["hash"], refused["verdict"]) == (DIGEST, "denied")
    else:
        jvm = java.start("java", root, user=bob)
        copy = readable_copy(house)
        jvm.know(dict.fromkeys(files.values(), copy))
        allowed, refused = jvm.read(files["0644"]), jvm.read(files["0600"])
        stats = jvm.stats()
        assert (allowed["read"], allowed["wrong"], allowed["error"]) == (len(DATA), 0, None)
        assert refused["read"] == 0
        assert "AccessControlException" in refused["error"]
    assert stats["hit_bytes"] == stats["published_blocks"] == 0
    assert {path: (path.stat().st_mtime_ns, path.stat().st_atime_ns) for path in blocks_in(root)} == before


# ---- authorize=fill: one uid, one root, a domain for each user


def grown(reader: Reader, path: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What one read gave, with the counters' growth."""
    before = reader.do("stats")
    found = reader.do("read_with", path=path, options=dict(options))
    after = reader.do("stats")
    return {name: after[name] - before[name] for name in ("hit_bytes", "origin_bytes")} | dict(found)


def settled(people: Crowd, root: Path, blocks: int) -> None:
    """Waits until a root has so many blocks."""
    deadline = time.monotonic() + 20
    while len(blocks_in(root)) < blocks:
        assert time.monotonic() < deadline, f"{len(blocks_in(root))} of {blocks} blocks are published"
        time.sleep(0.02)


@pytest.mark.parametrize("language", LANGUAGES)
def test_bob_has_no_use_of_alices_domain(people: Crowd, language: str) -> None:
    """Same uid, same root: he fetches his own blocks, in a domain of his own, and only while HDFS lets him."""
    root = people.house.root(PRIVATE)
    options = FILL | {"cache_dir": str(root)}
    path = write(people, f"domains-{language}")
    assert grown(people.filler, path, options)["origin_bytes"] == len(DATA)
    settled(people, root, BLOCKS)
    bob, carol = (people.readers[language, user] for user in ("bob", "carol"))
    first = grown(bob, path, options)
    assert (first["hash"], first["hit_bytes"], first["origin_bytes"]) == (DIGEST, 0, len(DATA))
    settled(people, root, 2 * BLOCKS)
    domains = sorted(entry.name for entry in (root / "v1").iterdir() if entry.name.startswith("hdfs-"))
    authority = people.house.cluster.authority.replace(":", "%3A")
    assert domains == [f"hdfs-{authority}%40alice", f"hdfs-{authority}%40bob"]
    people.house.cluster.web("PUT", path, op="SETPERMISSION", permission="0600")
    refused = grown(carol, path, options)
    assert (refused["verdict"], refused["hit_bytes"], refused["origin_bytes"]) == ("denied", 0, 0)
    kept = grown(bob, path, options)  # as is said of it: what he was let fetch stays his
    assert (kept["hash"], kept["hit_bytes"]) == (DIGEST, len(DATA))
    print(f"{language}: domains {domains}; carol, who was never let: {refused['verdict']}, 0 bytes")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_fill_allows_no_other_file_system_of_the_process_does(people: Crowd, language: str) -> None:
    """A process reads with both values of authorize: the one does not rest on what the other was not asked for."""
    root = people.house.root(PRIVATE)
    path = write(people, f"both-{language}")
    fill, opening = ({"cache_dir": str(root), "authorize": value, "freshness": "1h"} for value in ("fill", "open"))
    bob = people.readers[language, "bob"]
    assert grown(people.filler, path, opening)["hash"] == DIGEST  # into the domain of all
    assert grown(bob, path, {**fill, "freshness": "0"})["hash"] == DIGEST  # into his own
    settled(people, root, 2 * BLOCKS)
    people.house.cluster.web("PUT", path, op="SETPERMISSION", permission="0600")
    assert grown(bob, path, fill)["hit_bytes"] == len(DATA)
    refused = grown(bob, path, opening)
    assert (refused["verdict"], refused["hit_bytes"]) == ("denied", 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_option_user_opens_no_other_domain(people: Crowd, language: str) -> None:
    """Bob, who tells HDFS his own name, is not served as alice because a configuration says so."""
    root = people.house.root(PRIVATE)
    options = FILL | {"cache_dir": str(root)}
    path = write(people, f"user-{language}", "0600")
    assert grown(people.filler, path, options)["origin_bytes"] == len(DATA)
    settled(people, root, BLOCKS)
    found = grown(people.readers[language, "bob"], path, options | {"user": "alice"})
    assert found["bytes"] == found["hit_bytes"] == 0, found
    assert "user" in found["error"]
    assert "alice" in found["error"]


@pytest.mark.parametrize("language", ["python", "java"])
def test_a_proxied_user_has_his_own_domain(people: Crowd, java: Readers, language: str) -> None:
    """Gateway acts for bob: that is bob's domain, not gateway's, and not alice's."""
    house = people.house
    root = house.root(PRIVATE)
    options = FILL | {"cache_dir": str(root)}
    path, closed = write(people, f"proxy-{language}"), write(people, f"proxy-closed-{language}", "0600")
    for one in (path, closed):
        assert grown(people.filler, one, options)["hash"] == DIGEST
    settled(people, root, 2 * BLOCKS)
    gateway, proxying = house.user("gateway"), {"HADOOP_PROXY_USER": "bob"}
    if language == "python":
        reader = house.stage.python(gateway, root, variables=proxying, **FILL).ready()
        allowed, refused = (reader.do("read", path=one, ways=["open"])["open"] for one in (path, closed))
        stats = reader.do("stats")
        assert (allowed["hash"], refused["verdict"]) == (DIGEST, "denied")
    else:
        jvm = java.start("java", root, user=gateway, env=proxying, **FILL)
        copy = readable_copy(house)
        jvm.know({path: copy, closed: copy})
        allowed, refused = jvm.read(path), jvm.read(closed)
        stats = jvm.stats()
        assert (allowed["read"], allowed["wrong"], allowed["error"]) == (len(DATA), 0, None)
        assert refused["read"] == 0
        assert "AccessControlException" in refused["error"]
    assert stats["hit_bytes"] == 0
    settled(people, root, 3 * BLOCKS)
    domains = sorted(entry.name.partition("%40")[2] for entry in (root / "v1").iterdir() if "%40" in entry.name)
    assert domains == ["alice", "bob"]
