"""Ranger's policies, by its own plugin in the NameNode, hold for cached data, and so does what they take away later."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spark_ext.bed import Hdfs
from tests.python.support import pattern, wait_for
from tests.security.bed.ranger import Policy, Ranger
from tests.security.matrix_beds import PRIVATE, Bed, House, house_of, open_scratch
from tests.security.readers import Reader

pytestmark = pytest.mark.security

LANGUAGES = ("python", "spark")
USERS = ("alice", "bob")
POLL = 2.0
# Of one ask after another, and of a request that is under way.
SLACK = 1.5
SIZE = 300_001
# What HDFS says of the three: nobody but the owner, the superuser, may read the first; everybody the others.
CLOSED, OPEN, FREE = "/closed/f", "/open/f", "/free/f"
FILES = {CLOSED: pattern(SIZE, 1), OPEN: pattern(SIZE, 2), FREE: pattern(SIZE, 3)}
ALLOW_ALICE = Policy("/closed", allow={"alice"})
DENY_BOB = Policy("/open", deny={"bob"})


@dataclass
class Ranged:
    """An HDFS whose NameNode asks Ranger, and readers of one root by (language, user); alice filled it."""

    house: House
    ranger: Ranger
    root: Path
    readers: dict[tuple[str, str], Reader]

    def decide(self, *policies: Policy) -> None:
        """These policies are in force."""
        self.ranger.set_policies(*policies)
        self.ranger.wait_in_force()


@pytest.fixture(scope="module")
def ranged() -> Iterator[Ranged]:
    with open_scratch() as scratch, Ranger(poll=POLL) as ranger:
        (scratch / "hdfs").mkdir(mode=0o755)
        server = Hdfs(datanodes=1, scratch=scratch / "hdfs", **ranger.for_hdfs())
        with server as hdfs, house_of(Bed(hdfs), scratch) as house:
            _put_files(hdfs)
            root = house.root(PRIVATE)
            made = Ranged(house, ranger, root, _readers(house, root))
            made.decide(ALLOW_ALICE, DENY_BOB)
            _fill(made)
            yield made


def _readers(house: House, root: Path) -> dict[tuple[str, str], Reader]:
    started = {
        (language, user): getattr(house.stage, language)(house.user(user), root)
        for user in USERS
        for language in LANGUAGES
    }
    return {who: reader.ready() for who, reader in started.items()}


def _put_files(hdfs: Hdfs) -> None:
    for path, data in FILES.items():
        mode = ("711", "600") if path == CLOSED else ("755", "644")
        hdfs.web("PUT", str(Path(path).parent), op="MKDIRS", permission=mode[0])
        hdfs.put(path, data, permission=mode[1])


def _fill(ranged: Ranged) -> None:
    """Everything is in the root from here on: what is refused is refused though it is cached."""
    alice = ranged.readers["python", "alice"]
    for path in FILES:
        assert _ask(alice, path) == "allowed"
    alice.do("settle")

    def all_hits() -> bool:
        before = alice.do("stats")["origin_bytes"]
        return all(_ask(alice, path) == "allowed" for path in FILES) and alice.do("stats")["origin_bytes"] == before

    wait_for(all_hits, "all files are read from the cache")


def _ask(reader: Reader, path: str) -> str:
    """The verdict on a file, whose bytes are right if they are given."""
    got = reader.do("read", path=path, ways=["open"])["open"]
    assert got["bytes"] == (SIZE if got["verdict"] == "allowed" else 0), got
    if got["verdict"] == "allowed":
        assert got["hash"] == hashlib.sha256(FILES[path]).hexdigest()
    else:
        assert "ermission denied" in got["error"], got
    return str(got["verdict"])


def _everybody(ranged: Ranged) -> dict[tuple[str, str], dict[str, str]]:
    return {who: {path: _ask(reader, path) for path in FILES} for who, reader in ranged.readers.items()}


def _all_ways(reader: Reader, path: str) -> set[str]:
    return {got["verdict"] for got in reader.do("read", path=path).values()}


def test_allow_and_deny_hold_for_what_is_cached(ranged: Ranged) -> None:
    """Both against what HDFS's permissions say; everything that is given comes from the cache."""
    ranged.decide(ALLOW_ALICE, DENY_BOB)
    before = {who: reader.do("stats") for who, reader in ranged.readers.items()}
    verdicts = _everybody(ranged)
    for (language, user), verdict in verdicts.items():
        expected = "allowed" if user == "alice" else "denied"
        assert verdict == {CLOSED: expected, OPEN: expected, FREE: "allowed"}, (language, user)
    for who, reader in ranged.readers.items():
        after = reader.do("stats")
        assert after["origin_bytes"] == before[who]["origin_bytes"], who
        given = SIZE * list(verdicts[who].values()).count("allowed")
        assert after["hit_bytes"] - before[who]["hit_bytes"] == given, who
    for language in LANGUAGES:
        for path in (CLOSED, OPEN):
            assert _all_ways(ranged.readers[language, "bob"], path) == {"denied"}
        assert ranged.readers[language, "bob"].do("plain", path=OPEN)["verdict"] == "denied"  # as HDFS itself has it
    print(
        "policy allows alice (HDFS: 0600 of another), denies bob (HDFS: 0644): held in both languages, from the cache"
    )


@pytest.mark.parametrize("freshness", ["0", "5s"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_revoked_is_denied_within_poll_and_freshness(ranged: Ranged, language: str, freshness: str) -> None:
    """Alice's right comes from a policy alone, and goes with it; bob is denied what HDFS would let him read."""
    ranged.decide(ALLOW_ALICE)
    alice, bob = (ranged.readers[language, user] for user in USERS)
    for reader in (alice, bob):
        reader.do("freshness", value=freshness)
    assert (_ask(alice, CLOSED), _ask(bob, CLOSED)) == ("allowed", "denied")
    assert _ask(bob, OPEN) == "allowed"
    seconds = 0.0 if freshness == "0" else 5.0
    revoked = time.monotonic()
    ranged.ranger.set_policies(DENY_BOB)
    took = _until_denied({"alice": (alice, CLOSED), "bob": (bob, OPEN)}, revoked)
    for user, passed in took.items():
        print(f"{language} {user}: revoked to denied {passed:.2f} s (poll {POLL:g} s, freshness {freshness})")
        assert passed <= POLL + seconds + SLACK
    for reader, path in ((alice, CLOSED), (bob, CLOSED), (bob, OPEN)):
        assert _all_ways(reader, path) == {"denied"}
    assert _ask(alice, FREE) == "allowed"


def _until_denied(askers: dict[str, tuple[Reader, str]], since: float) -> dict[str, float]:
    """By user: how long after ``since`` the first open was *asked for* that was denied; none after it is allowed."""
    took: dict[str, float] = {}
    while len(took) < len(askers):
        assert time.monotonic() < since + 60, f"only {took} were denied"
        for user, (reader, path) in askers.items():
            if user not in took:
                asked = time.monotonic()
                if _ask(reader, path) == "denied":
                    took[user] = asked - since
        time.sleep(0.05)
    for _ in range(5):
        assert all(_ask(reader, path) == "denied" for reader, path in askers.values())
    return took


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_granted_later_is_read_from_the_cache(ranged: Ranged, language: str) -> None:
    """A new policy lets bob read at once what alice has cached; a status that he had before is no right."""
    ranged.decide(ALLOW_ALICE)
    bob = ranged.readers[language, "bob"]
    bob.do("freshness", value="0")
    assert _all_ways(bob, CLOSED) == {"denied"}
    ranged.decide(Policy("/closed", allow={"alice", "bob"}))
    before = bob.do("stats")["origin_bytes"]
    assert _all_ways(bob, CLOSED) == {"allowed"}
    assert bob.do("stats")["origin_bytes"] == before
    ranged.decide(ALLOW_ALICE)
    assert _all_ways(bob, CLOSED) == {"denied"}
