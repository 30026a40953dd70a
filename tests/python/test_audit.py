"""The local audit line of each open: its form, whom it names, what it counts, and that it never fails a read."""

from __future__ import annotations

import gc
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridfs import HybridFileSystem, audit
from hybridfs.origin.hadoop_user import audit_name, local_user
from tests.python.support import BLOCK, Cache, ScriptedOrigin, cache, in_fork, make_socket, pattern, settle_process

DATA = pattern(3 * BLOCK + 100)
FORM = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO hybridfs\.audit: allowed=(?P<allowed>true|false)\tugi=(?P<ugi>[^\t]+)"
    r"\tip=/(?P<ip>[0-9.]+)\tcmd=(?P<cmd>open|close)\tsrc=(?P<src>[^\t]+)\tdst=null\tperm=null\tproto=hybridfs"
    r"(\thit=(?P<hit>\d+)\tmiss=(?P<miss>\d+))?"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def used(tmp_path: Path, log: Path) -> Iterator[Cache]:
    with cache(tmp_path / "root", audit=str(log), readahead=0) as opened:
        yield opened


def lines(log: Path) -> list[tuple[str, str, str, str | None, str | None]]:
    """allowed, cmd, src, hit and miss of each line, all of which have the form that was promised."""
    matches = [FORM.fullmatch(line) for line in log.read_text().splitlines()]
    assert all(matches)
    return [match.group("allowed", "cmd", "src", "hit", "miss") for match in matches if match]


def test_an_open_and_what_it_read(used: Cache, log: Path, origin: ScriptedOrigin) -> None:
    size = str(len(DATA))
    assert used.read(origin, "/f") == DATA
    used.settle()
    assert used.read(origin, "/f") == DATA
    with used.open(origin, "/f") as file:
        file.pread(BLOCK - 5, 10)
        assert [line[1] for line in lines(log)] == ["open", "close"] * 2 + ["open"], "told when it is decided"
    assert lines(log)[1:] == [
        ("true", "close", "/f", "0", size),
        ("true", "open", "/f", None, None),
        ("true", "close", "/f", size, "0"),
        ("true", "open", "/f", None, None),
        ("true", "close", "/f", "10", "0"),
    ]
    assert "\tugi=tester (auth:SIMPLE)\t" in log.read_text()
    assert used.counts["audit_faults"] == 0


def test_miss_is_what_was_fetched_for_the_stream(used: Cache, log: Path, origin: ScriptedOrigin) -> None:
    with used.open(origin, "/f") as file:
        file.pread(5, 10)
    assert lines(log)[-1][3:] == ("0", str(BLOCK))


def test_a_refused_open(used: Cache, log: Path, origin: ScriptedOrigin) -> None:
    def refuse(call: str, path: str) -> None:
        if call == "before open":
            raise PermissionError(13, "denied", path)

    origin.hook = refuse
    with pytest.raises(PermissionError):
        used.open(origin, "/f")
    with pytest.raises(FileNotFoundError):
        used.open(origin, "/nothing")
    assert lines(log) == [("false", "open", "/f", None, None)], "as in HDFS, a file that is not there is none"


def test_a_refusal_that_comes_with_a_byte(tmp_path: Path, log: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path / "root", audit=str(log), authorize="fill", readahead=0) as used:
        with used.open(origin, "/f") as file:
            file.read(BLOCK)
        used.settle()

        def refuse(call: str, path: str) -> None:
            if call == "before open":
                raise PermissionError(13, "denied", path)

        origin.hook = refuse
        with used.open(origin, "/f") as file, pytest.raises(PermissionError):
            file.read()
    assert [line[:2] for line in lines(log)[2:]] == [("true", "open"), ("false", "open"), ("true", "close")]


def test_what_is_passed_through_has_one_line(tmp_path: Path, log: Path, origin: ScriptedOrigin) -> None:
    with cache(tmp_path / "root", audit=str(log), exclude="/f") as used:
        assert used.read(origin, "/f") == DATA
    assert lines(log) == [("true", "open", "/f", None, None)]


def test_a_file_that_is_let_go_is_closed(used: Cache, log: Path, origin: ScriptedOrigin) -> None:
    file = used.open(origin, "/f")
    file.read(10)
    del file
    gc.collect()
    assert [line[1] for line in lines(log)] == ["open", "close"]


def test_no_name_forges_a_line(used: Cache, log: Path, origin: ScriptedOrigin) -> None:
    path = "/a\tallowed=false\nb\\n\r\x1b\x85\u2028\udcff"
    origin.write(path, b"x")
    used.read(origin, path)
    assert [line[2] for line in lines(log)] == [r"/a\tallowed=false\nb\\n\r\u001b\u0085\u2028\udcff"] * 2


@pytest.mark.parametrize(("mode", "file_mode"), [(0o700, 0o600), (0o2770, 0o660)])
def test_the_file_has_the_mode_of_the_root(
    tmp_path: Path, log: Path, origin: ScriptedOrigin, mode: int, file_mode: int
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root").chmod(mode)
    with cache(tmp_path / "root", audit=str(log)) as used:
        used.read(origin, "/f")
    assert log.stat().st_mode & 0o7777 == file_mode


@pytest.mark.parametrize("place", ["a link", "a directory", "a socket", "nowhere", "a pipe", "full"])
def test_a_file_that_cannot_be_written_fails_no_read(
    tmp_path: Path, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    log, elsewhere = tmp_path / "audit.log", tmp_path / "precious"
    elsewhere.write_text("precious")
    if place == "a link":
        log.symlink_to(elsewhere)
    elif place == "a directory":
        log.mkdir()
    elif place == "a socket":
        make_socket(log)
    elif place == "a pipe":
        os.mkfifo(log)
    elif place == "full":
        log = Path("/dev/full")
    else:
        log = tmp_path / "nothing" / "audit.log"
    with cache(tmp_path / "root", audit=str(log)) as used:
        for _ in range(2):
            assert used.read(origin, "/f") == DATA
        assert used.counts["audit_faults"] == 4
    assert elsewhere.read_text() == "precious"
    assert len([record for record in caplog.records if "option audit" in record.getMessage()]) == 1


def test_a_host_without_a_proper_name_fails_no_read(
    used: Cache, log: Path, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a" * 64)  # too long for IDNA: a UnicodeError
    audit._address.cache_clear()
    try:
        assert used.read(origin, "/f") == DATA
        assert "\tip=/127.0.0.1\t" in log.read_text()
    finally:
        audit._address.cache_clear()


def test_a_line_that_cannot_be_made_fails_no_read(
    used: Cache, log: Path, origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise ValueError("no address")

    monkeypatch.setattr(audit, "_address", fail)
    assert used.read(origin, "/f") == DATA
    assert used.counts["audit_faults"] == 2
    assert not log.exists()


def test_a_file_that_is_collected_while_its_locks_are_held_does_not_wait(
    used: Cache, log: Path, origin: ScriptedOrigin
) -> None:
    """The collector runs where it likes, also in a thread that holds them."""

    def collect() -> None:
        file = used.open(origin, "/f")
        file.read()
        usage = file._stream._usage
        assert isinstance(usage, audit._Watched)
        log.unlink()
        log.mkdir()  # the close is a fault, which is counted
        with usage._lock, used.stats._lock:
            del file
            gc.collect()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert used.counts["audit_faults"] == 1


def test_lines_of_many_stay_whole(tmp_path: Path, log: Path, origin: ScriptedOrigin) -> None:
    """One write each, at the end of the file, which may be moved away at any time."""
    with cache(tmp_path / "root", audit=str(log)) as one, cache(tmp_path / "root", audit=str(log)) as two:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda used: used.read(origin, "/f"), [one, two] * 50))
        log.rename(tmp_path / "audit.log.1")
        one.read(origin, "/f")
    assert len(lines(tmp_path / "audit.log.1")) == 200
    assert len(lines(log)) == 2


def test_a_child_tells_of_its_own_opens_only(tmp_path: Path, log: Path) -> None:
    source = tmp_path / "f"
    source.write_bytes(DATA)
    time.sleep(0.03)  # a version younger than the kernel's clock tick is passed through
    fs = HybridFileSystem(target_protocol="file", cache_dir=str(tmp_path / "root"), audit=str(log))
    file = fs.open(str(source))
    file.read(10)

    def child() -> bool:
        file.close()  # it read nothing
        return True

    in_fork(child)
    assert [line[1] for line in lines(log)] == ["open"]
    in_fork(lambda: file.read(5) == DATA[10:15] and file.close() is None)
    assert [line[1] for line in lines(log)] == ["open", "open", "close"]
    file.close()
    assert fs.cat_ranges([str(source)], [0], [5]) == [DATA[:5]]
    assert [line[1] for line in lines(log)] == ["open", "open", "close", "close", "open", "close"]
    settle_process(str(tmp_path / "root"))


KERBEROS = {"hadoop.security.authentication": "kerberos"}
HADOOP = ("HADOOP_USER_NAME", "HADOOP_PROXY_USER", "HADOOP_TOKEN_FILE_LOCATION")
LOGIN = {"kerberos_principal": "alice@CLOUD"}
# A cache of a real kinit, up to its first ticket.
TICKETS = (
    b"\x05\x04\x00\x0c\x00\x01\x00\x08\xff\xff\xff\xff\x00\x00\x00\x00"
    b"\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x05CLOUD\x00\x00\x00\x04hive\x00\x00\x00\x02h1"
)


@pytest.mark.parametrize(
    ("environment", "properties", "user", "kerberos", "name"),
    [
        ({}, {}, "", {}, f"{local_user()} (auth:SIMPLE)"),
        ({"HADOOP_USER_NAME": "alice"}, {}, "", {}, "alice (auth:SIMPLE)"),
        (
            {"HADOOP_USER_NAME": "hive", "HADOOP_PROXY_USER": "alice"},
            {},
            "",
            {},
            "alice (auth:SIMPLE)",
        ),
        ({"HADOOP_USER_NAME": "ignored"}, KERBEROS, "alice", {}, "alice (auth:KERBEROS)"),
        ({}, KERBEROS, "alice", LOGIN, "alice (auth:KERBEROS)"),
        ({}, KERBEROS, "", LOGIN, "alice@CLOUD (auth:KERBEROS)"),
        ({}, KERBEROS, "", {}, "? (auth:KERBEROS)"),
        ({"KRB5CCNAME": "FILE:tickets"}, KERBEROS, "", {}, "hive/h1@CLOUD (auth:KERBEROS)"),
        ({"KRB5CCNAME": "tickets"}, KERBEROS, "", {}, "hive/h1@CLOUD (auth:KERBEROS)"),
        ({"KRB5CCNAME": "garbled"}, KERBEROS, "", {}, "? (auth:KERBEROS)"),
        ({"KRB5CCNAME": "cut"}, KERBEROS, "", {}, "? (auth:KERBEROS)"),
        ({"HADOOP_TOKEN_FILE_LOCATION": "/t"}, KERBEROS, "alice", {}, "alice (auth:TOKEN)"),
        ({"HADOOP_PROXY_USER": "bob"}, KERBEROS, "", LOGIN, "bob (auth:KERBEROS)"),
    ],
)
def test_whom_a_line_names(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: dict[str, str],
    properties: dict[str, str],
    user: str,
    kerberos: dict[str, str],
    name: str,
) -> None:
    (tmp_path / "tickets").write_bytes(TICKETS + b"tickets")
    (tmp_path / "cut").write_bytes(TICKETS[:40])
    (tmp_path / "garbled").write_bytes(b"\x05\x03" + TICKETS[2:])
    monkeypatch.chdir(tmp_path)
    for variable in HADOOP:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KRB5CCNAME", "nothing")
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert audit_name(user, kerberos, properties) == name
