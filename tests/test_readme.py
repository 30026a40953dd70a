"""The README says what the code does: its table of options is the code's."""

from __future__ import annotations

from pathlib import Path

from hybridfs.config import OPTIONS

README = Path(__file__).resolve().parent.parent / "README.md"
START, END = "| option | default | what |\n|---|---|---|\n", "<!-- end of options -->"


def expected() -> str:
    rows = (f"| `{o.name}` | {f'`{o.default}`' if o.default else ''} | {o.doc} |\n" for o in OPTIONS.values())
    return "".join(rows)


def test_options_table() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.partition(START)[2].partition(END)[0] == expected()


if __name__ == "__main__":  # writes the table
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    README.write_text(before + START + expected() + END + rest.partition(END)[2], encoding="utf-8")
