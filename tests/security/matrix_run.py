"""One batch of the permission matrix: alice fills a root, others read from it, rights are taken, they read again."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from hybridfs.values import parse_duration
from tests.security.matrix import CHANGES, USERS, Cell, prepare
from tests.security.matrix_beds import SHARED, House
from tests.security.matrix_judge import Judge, Verdicts
from tests.security.readers import Reader

LANGUAGES = ("python", "spark")
DEFAULT_SECONDS = 30.0
# The quick ways of a language, to ask often, and those that bring nothing that others have not.
_QUICK = {"python": ("open",), "spark": ("status", "open")}
_BRIEF = {"txt": ("text", "status"), "parquet": ("parquet",)}
_TEXT_WAYS = ("text", "parquet")  # these give the text, others the bytes of the file
_PATIENCE = 2.0


@dataclass
class Crowd:
    """Readers of one root by (language, user), alice who fills it, and the files that she has."""

    house: House
    root: Path
    filler: Reader
    readers: dict[tuple[str, str], Reader]
    contents: dict[str, bytes]  # by the end of the name

    def of(self, cell: Cell, language: str) -> Reader:
        return self.readers[language, cell.role.user]

    def expected(self, path: str, way: str) -> str:
        """The hash of what a way of reading must give."""
        end = "txt" if way in _TEXT_WAYS else path.rpartition(".")[2]
        return hashlib.sha256(self.contents[end]).hexdigest()

    def write(self, path: str, content: bytes, mode: str) -> None:
        """A file of alice's, which she has read into the cache."""
        local = self.house.scratch / "content"
        local.write_bytes(content)
        self.filler.do("put", path=path, source=str(local))
        self.house.cluster.web("PUT", path, op="SETPERMISSION", permission=mode)
        self.fill(path, hashlib.sha256(content).hexdigest())

    def fill(self, path: str, expected: str) -> None:
        """Lets alice read a file into the cache."""
        found = self.filler.do("read", path=path, ways=["open"])["open"]
        assert found["hash"] == expected, found
        self.filler.do("settle")

    def counters(self) -> dict[str, int]:
        """Those of all readers together."""
        all_of_them = [reader.do("stats") for reader in self.readers.values()]
        return {name: sum(each[name] for each in all_of_them) for name in ("hit_bytes", "origin_bytes", "opens")}


def new_contents(lines: int = 2_000) -> dict[str, bytes]:
    """Text, and the same text as a Parquet file."""
    texts = [f"{number} {hashlib.md5(str(number).encode()).hexdigest()}" for number in range(lines)]
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), parquet)
    return {"txt": "".join(f"{text}\n" for text in texts).encode(), "parquet": parquet.getvalue()}


@contextmanager
def crowd(house: House, mode: int, spark: Iterable[str] = USERS, **options: Any) -> Iterator[Crowd]:
    """Starts the readers of a root: in a private one as its owner on this host, in a shared one as another user.

    ``spark``: users who have a Spark driver; all have a Python process. ``options``: of all of them.
    """
    other = mode == SHARED
    with house.stage.scene():
        root = house.root(mode)
        filler = house.stage.python(house.user("alice"), root)
        readers = {("spark", user): house.stage.spark(house.user(user, other=other), root, **options) for user in spark}
        readers |= {
            ("python", user): house.stage.python(house.user(user, other=other), root, **options) for user in USERS
        }
        for reader in (filler, *readers.values()):
            reader.ready()
        yield Crowd(house, root, filler, readers, new_contents())


class Batch:
    """The cells of one freshness."""

    def __init__(
        self,
        people: Crowd,
        cells: list[Cell],
        freshness: str | None,
        judge: Judge,
        root: str,
        *,
        brief: bool = False,
    ) -> None:
        """``brief``: Spark, which takes long to fail, reads the text alone, in few ways, but for one role."""
        self._people = people
        self._cells = cells
        self._judge = judge
        self._freshness = freshness
        self._seconds = DEFAULT_SECONDS if freshness is None else parse_duration(freshness)
        self._row = (people.house.cluster.name, root, f"freshness={freshness or 'default'}")
        self._brief = brief
        self._acknowledged: dict[Cell, float] = {}

    def run(self, told: str | None = None) -> None:
        """All of it. ``told``: another freshness for the readers than the one they are judged by."""
        self._write()
        for reader in self._people.readers.values():
            reader.do("freshness", value=told or self._freshness)
        before = self._people.counters()
        self._each(self._read_before, self._cells)
        fetched = self._people.counters()["origin_bytes"] - before["origin_bytes"]
        self._judge.sums["origin_bytes before the changes"] += fetched  # after one of its owner a file is another one
        if self._seconds:
            time.sleep(self._seconds)  # until the grants have ended, so that they begin now
        for change in dict.fromkeys(cell.change for cell in self._cells):
            self._make(change)
        if self._seconds:
            self._each(self._ask_until_denied, self._cells)
        self._each(self._read_after, self._cells)
        after = self._people.counters()
        for name in after:
            self._judge.sums[name] += after[name] - before[name]

    def _make(self, change: str) -> None:
        """One change of all files that it is for, right after grants for them, if grants are reused."""
        cells = [cell for cell in self._cells if cell.change == change]
        if self._seconds:
            self._each(self._touch, cells)
        for cell in cells:
            CHANGES[change](self._people.house.cluster, cell)
            self._acknowledged[cell] = time.monotonic()

    # ---- alice

    def _write(self) -> None:
        people = self._people
        local = {name: people.house.scratch / f"content.{name}" for name in people.contents}
        for name, content in people.contents.items():
            local[name].write_bytes(content)
        for cell in self._cells:
            for path in cell.paths:
                people.filler.do("put", path=path, source=str(local[path.rpartition(".")[2]]))
            prepare(people.house.cluster, cell)
            for path in cell.paths:
                people.fill(path, people.expected(path, "open"))

    # ---- the others

    def _each(self, task: Callable[[str, list[Cell], Reader], None], cells: list[Cell]) -> None:
        """Runs a task for all readers, side by side, each with his cells."""
        with ThreadPoolExecutor(len(self._people.readers)) as pool:
            tasks = [
                pool.submit(task, language, [cell for cell in cells if cell.role.user == user], reader)
                for (language, user), reader in self._people.readers.items()
            ]
        for each in tasks:
            each.result()

    def _entry(self, cell: Cell, language: str) -> Verdicts:
        return self._judge.row(language, *self._row, cell.role.name).setdefault(cell.change, Verdicts())

    def _what(self, cell: Cell, language: str, path: str, way: str) -> str:
        return f"{' '.join(self._row)} {language} {cell.role.name} {cell.change} {path} by {way}"

    def _judged(
        self, cell: Cell, language: str, path: str, found: Mapping[str, Any], plain: Mapping[str, Any], until: float
    ) -> None:
        for way, one in found.items():
            what = self._what(cell, language, path, way)
            self._judge.read(what, one, plain, self._people.expected(path, way), until)

    def _read_before(self, language: str, cells: list[Cell], reader: Reader) -> None:
        for cell in cells:
            for path in self._paths(cell, language, cell.paths):
                _, plain = self._judge_path(cell, language, reader, path, 0.0)
                self._entry(cell, language).before = plain["verdict"]
                readable = plain["verdict"] == "allowed"
                assert readable == cell.role.readable, f"{cell.name} is not set up as meant: {plain}"

    def _judge_path(
        self, cell: Cell, language: str, reader: Reader, path: str, until: float
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reads through the cache, then by plain HDFS; what each found."""
        brief = self._brief and language == "spark"
        found = reader.do("read", path=path, ways=_BRIEF[path.rpartition(".")[2]] if brief else ())
        plain = reader.do("plain", path=path)
        self._judged(cell, language, path, found, plain, until)
        return found, plain

    def _paths(self, cell: Cell, language: str, paths: tuple[str, ...]) -> Iterator[str]:
        brief = self._brief and language == "spark" and cell.role.name != "group"
        return (path for path in paths if not (brief and path.endswith(".parquet")))

    def _touch(self, language: str, cells: list[Cell], reader: Reader) -> None:
        for cell in cells:
            found = reader.do("read", path=cell.paths[0], ways=_QUICK[language])
            refused = [one for one in found.values() if one["verdict"] != "allowed"]
            assert bool(refused) != cell.role.readable, f"{cell.name}: {found}"

    def _ask_until_denied(self, language: str, cells: list[Cell], reader: Reader) -> None:
        """Quick opens of what was allowed, all the time: until denied, or a while after the grants must have ended."""
        asked = [cell for cell in cells if cell.role.readable]
        waiting, seen = list(asked), []
        end = time.monotonic() + self._seconds + _PATIENCE
        while waiting and time.monotonic() < end:
            for cell in list(waiting):
                found = reader.do("read", path=cell.paths[0], ways=_QUICK[language])
                seen.append((cell, found))
                if all(one["verdict"] != "allowed" for one in found.values()):
                    waiting.remove(cell)
            time.sleep(0.01)
        plain = {cell: reader.do("plain", path=cell.paths[0]) for cell in asked}
        for cell, found in seen:
            until = self._acknowledged[cell] + self._seconds
            self._judged(cell, language, cell.paths[0], found, plain[cell], until)
            if plain[cell]["verdict"] != "allowed":
                self._note(cell, language, found)

    def _note(self, cell: Cell, language: str, found: Mapping[str, Any]) -> None:
        """Until when the cache allowed what HDFS refuses, and from when on it refused."""
        entry = self._entry(cell, language)
        since = self._acknowledged[cell]
        allowed = [one["asked"] - since for one in found.values() if one["verdict"] == "allowed"]
        refused = [one["asked"] - since for one in found.values() if one["verdict"] != "allowed"]
        entry.opens += len(allowed)
        entry.allowed = max([entry.allowed, *allowed])
        if refused and entry.refused is None:
            entry.refused = min(refused)

    def _read_after(self, language: str, cells: list[Cell], reader: Reader) -> None:
        """All ways; what rested on a grant has ended by now."""
        for cell in cells:
            for path in self._paths(cell, language, cell.later_paths):
                granted = cell.role.readable and path in cell.paths
                until = self._acknowledged[cell] + self._seconds if granted and self._seconds else 0.0
                found, plain = self._judge_path(cell, language, reader, path, until)
                self._entry(cell, language).after = plain["verdict"]
                if plain["verdict"] != "allowed" and cell.role.readable and path in cell.paths:
                    self._note(cell, language, found)
