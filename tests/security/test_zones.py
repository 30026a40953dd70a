"""Encryption zones, with a real KMS: their plaintext lies in no root unless asked for, and then is nobody else's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spark_ext.bed import BedError, Hdfs
from tests.python.support import pattern, wait_for
from tests.security.bed.kms import Kms
from tests.security.bed.zones import make_zone, plaintext_in, windows_of, zoned_hdfs
from tests.security.matrix_beds import PRIVATE, SHARED, Bed, House, house_of, open_scratch
from tests.security.readers import Reader, Stage
from tests.torture.readers import User

pytestmark = pytest.mark.security

LANGUAGES = ("python", "spark")
WAYS = {"python": ["open", "cat_file", "cat_ranges"], "spark": ["binary", "open", "status"]}
KEY, OTHER_KEY = "k1", "k2"
RAW = "/.reserved/raw"
ENCRYPTED_OPTION = re.compile(r"\bcache[._]encrypted\b")
BY_KMS, BY_HDFS = "DECRYPT_EEK", "Permission denied"
SIZE = 700_001
SECRET, PUBLIC = pattern(SIZE, 1), pattern(SIZE, 2)
# Both tiers are looked at: a root that keeps nothing in memory could hide a leak there.
TIERS: dict[str, Any] = {"memory": "64MiB"}


@dataclass
class Zoned:
    """An HDFS with the zone `/zone`, in which alice has files, and with others outside of it."""

    house: House
    hdfs: Hdfs
    kms: Kms

    def reader(self, language: str, name: str, root: Path, **options: Any) -> Reader:
        user, stage = self.house.user(name), self.house.stage
        if language == "python":
            return stage.python(user, root, **TIERS, **options).ready()
        return stage.spark(user, root, {"spark.log.level": "WARN"}, **TIERS, **options).ready()

    def put(self, path: str, data: bytes, permission: str = "644") -> None:
        """A file of alice's."""
        self.hdfs.put(path, data, "alice", permission)

    def zone(self, path: str, key: str = KEY) -> None:
        self.hdfs.web("PUT", path, op="MKDIRS", permission="777")
        make_zone(self.hdfs, path, key)


@pytest.fixture(scope="module")
def zoned() -> Iterator[Zoned]:
    with open_scratch() as scratch:
        (scratch / "hdfs").mkdir(mode=0o755)
        with zoned_hdfs(scratch / "hdfs") as (hdfs, kms), house_of(Bed(hdfs), scratch) as house:
            made = Zoned(house, hdfs, kms)
            for key in (KEY, OTHER_KEY):
                kms.create_key(key)
                kms.allow_decryption(key, ["alice"])
            made.zone("/zone")
            hdfs.web("PUT", "/plain", op="MKDIRS", permission="777")
            made.put("/zone/f", SECRET)
            made.put("/zone/own", SECRET, "600")
            made.put("/plain/f", PUBLIC)
            yield made


@pytest.fixture
def scene(zoned: Zoned) -> Iterator[Zoned]:
    """`zoned`, whose readers end with the test, and in which then nobody but alice may decrypt."""
    with zoned.house.stage.scene():
        yield zoned
    zoned.kms.allow_decryption(KEY, ["alice"])


def gives(reader: Reader, language: str, path: str, data: bytes, ways: Sequence[str] = ()) -> None:
    """Each way of reading gives these bytes."""
    for way, got in reader.do("read", path=path, ways=list(ways) or WAYS[language]).items():
        assert (got["verdict"], got["bytes"]) == ("allowed", len(data)), (way, got)
        assert got["hash"] == hashlib.sha256(data).hexdigest(), f"{way} gave other bytes of {path}"


def refuses(reader: Reader, language: str, path: str, why: str) -> None:
    """No way of reading gives a byte, and that is why."""
    answers = reader.do("read", path=path, ways=WAYS[language])
    for way, got in answers.items():
        assert (got["verdict"] == "allowed", got["bytes"]) == (False, 0), (way, got)
    assert why in answers["open"]["error"], answers["open"]


def settled(root: Path, data: bytes) -> None:
    """Returns when all of ``data`` has been published, which comes after it was delivered."""
    wait_for(lambda: plaintext_in(root, data) == windows_of(data), "the file's bytes are found in the root")


def moved(reader: Reader, before: dict[str, int], name: str) -> int:
    return int(reader.do("stats")[name]) - before[name]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_plaintext_is_kept_by_default(scene: Zoned, language: str) -> None:
    root = scene.house.root(PRIVATE)
    alice = scene.reader(language, "alice", root)
    for _ in range(2):
        gives(alice, language, "/zone/f", SECRET)
    before = alice.do("stats")
    gives(alice, language, "/plain/f", PUBLIC)
    settled(root, PUBLIC)  # what is read after the zone's file is there, so that would be, too
    found = plaintext_in(root, SECRET)
    print(f"{language}: {found} of {windows_of(SECRET)} windows of the zone's file found, all of the plain file's")
    assert found == 0
    assert before["miss_encrypted"] >= 2 * len(WAYS[language])
    assert before["hit_bytes"] == before["published_bytes"] == 0
    # What lies on the DataNodes is shown as such, also to whom the file was decrypted for.
    raw = alice.do("plain", path=f"{RAW}/zone/f")["hash"]
    assert raw != hashlib.sha256(SECRET).hexdigest()
    for _ in range(2):
        got = alice.do("read", path=f"{RAW}/zone/f", ways=["open"])["open"]
        assert (got["verdict"], got["hash"]) == ("allowed", raw)
    gives(alice, language, "/zone/f", SECRET)


@pytest.mark.parametrize(("fills", "reads"), [("python", "spark"), ("spark", "python")])
def test_a_private_root_keeps_it_when_asked_and_gives_it_to_nobody_else(scene: Zoned, fills: str, reads: str) -> None:
    root = scene.house.root(PRIVATE)
    filler = scene.reader(fills, "alice", root, cache_encrypted="true")
    for path in ("/zone/f", "/zone/own"):
        gives(filler, fills, path, SECRET)
    gives(filler, fills, "/plain/f", PUBLIC)
    settled(root, SECRET)
    settled(root, PUBLIC)
    (domain,) = [path.name for path in root.glob("v1/*plaintext*")]
    assert domain.startswith("hdfs-")

    alice = scene.reader(reads, "alice", root, cache_encrypted="true")
    before = alice.do("stats")
    for path in ("/zone/f", "/zone/own"):
        gives(alice, reads, path, SECRET)
    gives(alice, reads, "/plain/f", PUBLIC)
    assert moved(alice, before, "origin_bytes") == 0
    assert moved(alice, before, "hit_bytes") >= 3 * SIZE

    bob = scene.reader(reads, "bob", root, cache_encrypted="true")
    refuses(bob, reads, "/zone/f", BY_KMS)  # HDFS would let him
    refuses(bob, reads, "/zone/own", BY_HDFS)
    gives(bob, reads, "/plain/f", PUBLIC)
    scene.kms.allow_decryption(KEY, ["alice", "bob"])
    before = bob.do("stats")
    gives(bob, reads, "/zone/f", SECRET)
    assert moved(bob, before, "origin_bytes") == 0
    refuses(bob, reads, "/zone/own", BY_HDFS)  # the KMS would let him now
    scene.kms.allow_decryption(KEY, ["alice"])
    refuses(bob, reads, "/zone/f", BY_KMS)
    print(f"{fills} filled, {reads} hit; bob was refused, let in, and refused again by the next open: 0 bytes leaked")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_option_what_was_kept_is_not_used(scene: Zoned, language: str) -> None:
    root = scene.house.root(PRIVATE)
    with_it = scene.reader("python", "alice", root, cache_encrypted="true")
    gives(with_it, "python", "/zone/f", SECRET)
    settled(root, SECRET)
    alice = scene.reader(language, "alice", root)
    gives(alice, language, "/zone/f", SECRET)
    assert alice.do("stats")["hit_bytes"] == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shared_root_keeps_none_and_says_so_once(scene: Zoned, language: str) -> None:
    root = scene.house.root(SHARED)
    alice = scene.reader(language, "alice", root, cache_encrypted="true")
    for path in ("/zone/f", "/zone/own", "/zone/f"):
        gives(alice, language, path, SECRET)
    gives(alice, language, "/plain/f", PUBLIC)
    settled(root, PUBLIC)
    assert plaintext_in(root, SECRET) == 0
    warnings = [line for line in alice.log().splitlines() if ENCRYPTED_OPTION.search(line)]
    print(f"{language}: {warnings}")
    assert len(warnings) == 1


def test_python_without_a_provider_is_told_what_to_set(scene: Zoned) -> None:
    root = scene.house.root(PRIVATE)
    with open_scratch() as scratch, Stage(_WithoutProvider(scene.hdfs, scratch), scratch) as stage:
        alice = stage.python(scene.house.user("alice"), root, cache_encrypted="true").ready()
        for got in alice.do("read", path="/zone/f", ways=WAYS["python"]).values():
            assert (got["verdict"], got["bytes"]) == ("failed", 0)
            assert "hadoop.security.key.provider.path" in got["error"], got
            assert "core-site.xml" in got["error"], got
        gives(alice, "python", "/plain/f", PUBLIC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_zones_that_come_and_move(scene: Zoned, language: str) -> None:
    """A zone that takes the place of a cached directory, beside cached files, renamed as a whole, of another key."""
    at = f"/{language}"
    scene.hdfs.web("PUT", at, op="MKDIRS", permission="777")
    for name in ("a", "b"):
        scene.hdfs.web("PUT", f"{at}/{name}", op="MKDIRS", permission="777")
        scene.put(f"{at}/{name}/f", PUBLIC)
    root = scene.house.root(PRIVATE)
    alice = scene.reader(language, "alice", root)
    for name in ("a", "b"):
        gives(alice, language, f"{at}/{name}/f", PUBLIC)
    settled(root, PUBLIC)

    version = _mtime(scene, f"{at}/a/f")
    scene.hdfs.web("DELETE", f"{at}/a", op="DELETE", recursive="true")
    scene.zone(f"{at}/a", OTHER_KEY)
    hidden = pattern(SIZE, 3)
    scene.put(f"{at}/a/f", hidden)
    # The version of the file that was cached: only that it is encrypted tells the two apart where no fileId is known.
    scene.hdfs.web("PUT", f"{at}/a/f", op="SETTIMES", modificationtime=version)
    with pytest.raises(BedError, match="encryption zone"):
        scene.hdfs.web("PUT", f"{at}/b/f", op="RENAME", destination=f"{at}/a/moved")
    anew = WAYS[language][:2]  # not by a status of the file that was there before
    gives(alice, language, f"{at}/a/f", hidden, anew)
    gives(alice, language, f"{at}/b/f", PUBLIC)
    scene.hdfs.web("PUT", f"{at}/a", op="RENAME", destination=f"{at}/c")
    gives(alice, language, f"{at}/c/f", hidden)
    assert plaintext_in(root, hidden) == 0


def _mtime(scene: Zoned, path: str) -> int:
    return int(scene.hdfs.web("GET", path, op="GETFILESTATUS")["FileStatus"]["modificationTime"])


class _WithoutProvider(Bed):
    """An HDFS whose clients' configuration names no KMS."""

    def __init__(self, hdfs: Hdfs, scratch: Path) -> None:
        super().__init__(hdfs)
        self._conf = scratch / "conf"
        self._conf.mkdir(mode=0o755)
        for name in ("core-site.xml", "hdfs-site.xml"):
            site = (hdfs.conf_dir / name).read_text()
            (self._conf / name).write_text(site.replace("hadoop.security.key.provider.path", "not.there"))

    def login(self, user: User, home: Path) -> Mapping[str, str]:
        return {**super().login(user, home), "HADOOP_CONF_DIR": str(self._conf)}
