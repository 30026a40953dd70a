"""That errors cross between processes: one that does not unpickle lets a ``multiprocessing.Pool`` wait for ever."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

from hybridfs import errors
from hybridfs.errors import BadOption, CorruptBlock, FileChanged, OriginUnreachable
from tests.python.support import ScriptedOrigin, cache

DATA = b"data"
ERRORS = [
    BadOption("option freshness: 'x'"),
    FileChanged("/f"),
    FileChanged("/f", "vanished"),
    OriginUnreachable("no answer within 1 s", "/f"),
    OriginUnreachable("no answer within 1 s"),
    CorruptBlock("a chunk fails its checksum", "tier_faults", unlink=False),
]


def told(error: BaseException) -> dict[str, object]:
    names = ("args", "errno", "strerror", "filename", "counter", "unlink")
    return {"kind": type(error), "text": str(error)} | {name: getattr(error, name, None) for name in names}


def test_of_every_class_there_is_one() -> None:
    named = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert {type(error) for error in ERRORS} == {kind for kind in named if not kind.__name__.startswith("_")}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_pickled_it_tells_the_same(error: Exception) -> None:
    error.add_note("a note")
    found = pickle.loads(pickle.dumps(error))
    assert told(found) == told(error)
    assert found.__notes__ == ["a note"]
    assert told(pickle.loads(pickle.dumps(found))) == told(error)


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused", "/f"), OriginUnreachable("refused", "/f")])
def test_what_is_added_while_the_origin_is_silent_is_kept(
    tmp_path: Path, origin: ScriptedOrigin, error: OSError
) -> None:
    def fail(call: str, path: str) -> None:
        raise error

    origin.hook = fail
    with cache(tmp_path) as used, pytest.raises(OSError, match="only within freshness") as caught:
        used.open(origin, "/f")
    found = pickle.loads(pickle.dumps(caught.value))
    assert told(found) == told(caught.value)
    assert "only within freshness" in str(found)
    assert (found.errno, found.filename) == (error.errno, "/f")
