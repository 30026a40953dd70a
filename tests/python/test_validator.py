"""Validators as both languages write and compare them (FORMAT.md section 4)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridfs.validator import agree, file_validator

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/validators.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file_id", "owner", "expected"), GOLDEN["validators"])
def test_validators_are_the_golden_ones(file_id: int, owner: str, expected: str) -> None:
    assert file_validator(file_id, owner) == int(expected)


@pytest.mark.parametrize(("one", "other", "expected"), GOLDEN["agree"])
def test_file_ids_decide_and_owners_where_one_is_unknown(one: str, other: str, expected: bool) -> None:
    assert agree(int(one), int(other)) is expected
    assert agree(int(other), int(one)) is expected
