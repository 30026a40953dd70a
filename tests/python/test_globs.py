"""Patterns of paths: vectors that the jar reads, too, and what the options tell of a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridfs import BadOption, config
from hybridfs.globs import matcher

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
VECTORS: list[tuple[str, str, bool]] = json.loads((GOLDEN / "globs.json").read_text(encoding="utf-8"))
LISTS: list[tuple[str, list[str] | None]] = json.loads((GOLDEN / "glob_lists.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("pattern", "path", "matches"), VECTORS)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert matcher([pattern])(path) is matches


def test_each_pattern_is_one_that_the_option_takes() -> None:
    for pattern, _, _ in VECTORS:
        assert config.settings(include=pattern).include == (pattern,)


@pytest.mark.parametrize(("text", "patterns"), LISTS)
def test_lists_of_patterns(text: str, patterns: list[str] | None) -> None:
    if patterns is None:
        with pytest.raises(BadOption, match="option exclude"):
            config.settings(exclude=text)
    else:
        assert config.settings(exclude=text).exclude == tuple(patterns)


def test_one_of_several_is_enough_and_none_matches_nothing() -> None:
    matches = matcher(["/a/*", "/b/"])
    assert [matches(path) for path in ("/a/x", "/b/c/d", "/c", "/a/x/y")] == [True, True, False, False]
    assert not matcher([])("/a")


@pytest.mark.parametrize(
    ("value", "way_out"),
    [
        ("/a,,/b", "comma that is too many"),
        ("/t/{a,b}", "commas separate them, so none can hold one; write ?"),
        ("*.csv", r"no path matches '\*\.csv'.*begin with / or \*\*"),
        ("hdfs://nn:8020/a", "without scheme and host"),
        (["/a,b"], "commas separate patterns, so none can hold one"),
        (["/a", ""], "empty pattern"),
        (7, "begin with /"),
        (None, "begin with /"),
    ],
)
def test_mistakes_name_the_option_and_the_way_out(value: object, way_out: str) -> None:
    with pytest.raises(BadOption, match=f"(?s)option include: .*{way_out}"):
        config.settings(include=value)


def test_a_list_says_the_same_as_a_text_and_travels_to_the_jar() -> None:
    assert config.settings(include=["/a/**", " /b c "]).include == config.settings(include="/a/**,/b c").include
    assert config.hadoop_options(include=["/a/**", "/b c"]) == {"fs.hybridfs.include": "/a/**,/b c"}
