"""What a block or a reader is believed: a fileId that another reader wrote, a file that is being written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridfs.blocks import CachedBlock
from hybridfs.stats import Miss
from tests.python.support import BLOCK, ScriptedOrigin, Version, blocks_in, cache, new_store


def test_a_promoted_block_keeps_the_file_id_that_it_was_published_with(memory_root: Path) -> None:
    origin = ScriptedOrigin()
    origin.write("/f", b"x" * BLOCK, token="1", validator=7)
    identity = origin.identity("/f")
    store, _ = new_store(memory_root, memory="1MiB")
    store.publish(identity, 0, memoryview(b"x" * BLOCK), validator=7)
    published = blocks_in(memory_root)[0]
    os.utime(published, ns=(2, 1))  # read before
    assert isinstance(store.lookup(identity, 0, validator=0), CachedBlock)  # by a reader that knows no fileId
    memory = Path(store.root.memory_directory)
    assert blocks_in(memory)[0].read_bytes() == published.read_bytes()
    assert store.lookup(identity, 0, validator=8) is Miss.VERSION_CHANGED
    assert not blocks_in(memory)


def test_a_file_that_is_being_written_is_read_by_one_reader_only(tmp_path: Path) -> None:
    """A second one may be of another file that took its path, and no status could tell."""
    origin = ScriptedOrigin()
    origin.write("/f", b"old" * BLOCK, token="1")
    origin.status = lambda path, **_: Version(b"old", "1", 0, 1).status  # type: ignore[method-assign]  # the end is not there yet
    with cache(tmp_path, readahead=0) as used, used.open(origin, "/f") as file:
        assert file.read(10) == (b"old" * 4)[:10]
        origin.write("/f", b"new" * BLOCK, token="2")

        def gone(call: str, path: str) -> None:
            if call == "before read":
                raise OSError("its blocks are gone")

        origin.hook = gone
        file.seek(2 * BLOCK)
        with pytest.raises(OSError, match="its blocks are gone"):
            file.read(10)
        used.settle()
    assert blocks_in(tmp_path) == []
