"""Modules import only what stands before them, and `import hybridfs` stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The one list of the modules of hybridfs: each may import only modules that stand before it.
LAYERS = (
    "errors",
    "globs",
    "values",
    "config",
    "layout",
    "validator",
    "trailer",
    "stats",
    "publishing",
    "locks",
    "root",
    "audit",
    "shared_sum",
    "ledger",
    "pins",
    "contents",
    "tier",
    "eviction",
    "upkeep",
    "blocks",
    "store",
    "open_blocks",
    "listing.form",
    "listing.names",
    "listing.namespace",
    "listing.barrier",
    "listing.keeper",
    "listing.entries",
    "listing.answers",
    "listing.scan",
    "listing.listings",
    "listing",
    "origin.base",
    "origin.answers",
    "origin.hadoop_conf",
    "origin.ticket_cache",
    "origin.hadoop_user",
    "origin.kerberos",
    "origin.hdfs_errors",
    "origin.hdfs",
    "origin.swebhdfs",
    "origin.generic",
    "origin",
    "admission",
    "pinning",
    "grants",
    "opening",
    "fills",
    "fetching",
    "readahead",
    "stream",
    "engine",
    "runtime",
    "file",
    "directories",
    "filesystem",
    "",  # hybridfs/__init__.py
    "cli",
    "__main__",
)
# These never import each other, in any direction; `engine` joins them.
APART = ("store", "origin", "listing")
HEAVY = ("pyspark", "pyarrow", "hdfs_native", "pandas", "numpy", "typer", "rich", "requests", "spark_ext")


def module_of(path: Path) -> str:
    """`hybridfs/origin/hdfs.py` → `origin.hdfs`, `hybridfs/__init__.py` → ``."""
    parts = path.relative_to(ROOT / "hybridfs").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(p): p for p in sorted((ROOT / "hybridfs").rglob("*.py"))}


def absolute(node: ast.ImportFrom, importer: str, is_package: bool) -> str:
    """The full name of the module that a `from … import` names."""
    package = ["hybridfs", *filter(None, importer.split("."))]
    if node.level:
        keep = len(package) - (node.level - 1 if is_package else node.level)
        return ".".join([*package[:keep], *filter(None, [node.module])])
    return node.module or ""


def imports_of(name: str, path: Path) -> set[str]:
    """Full names of all modules (or names in them) that the source imports, at any depth of the code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, name, path.name == "__init__.py")
            found |= {resolve(f"{base}.{alias.name}", base) for alias in node.names}
    return found


def resolve(longest: str, base: str) -> str:
    """`from hybridfs import engine` names a module, `from hybridfs.engine import Engine` a thing in one."""
    return longest if longest.removeprefix("hybridfs.") in MODULES else base


def own(names: set[str]) -> set[str]:
    return {n.removeprefix("hybridfs").removeprefix(".") for n in names if n.split(".")[0] == "hybridfs"}


def test_every_module_has_a_layer() -> None:
    assert sorted(set(MODULES) - set(LAYERS)) == []


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downward(name: str) -> None:
    upward = [i for i in own(imports_of(name, MODULES[name])) if LAYERS.index(i) >= LAYERS.index(name)]
    assert upward == [], f"hybridfs.{name} imports modules that stand after it"


@pytest.mark.parametrize("name", MODULES)
def test_store_origin_and_listing_stay_apart(name: str) -> None:
    part = name.split(".")[0]
    others = {a for a in APART if a != part} if part in APART else set()
    assert {i.split(".")[0] for i in own(imports_of(name, MODULES[name]))} & others == set()


@pytest.mark.parametrize("name", MODULES)
def test_hybridfs_never_imports_spark_ext(name: str) -> None:
    assert {i for i in imports_of(name, MODULES[name]) if i.split(".")[0] == "spark_ext"} == set()


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout))


def test_import_is_light() -> None:
    assert loaded_by("import hybridfs") & set(HEAVY) == set()


def test_spark_ext_imports_without_pyspark() -> None:
    assert loaded_by("import spark_ext") & {"pyspark", "pyarrow", "pandas", "hdfs_native"} == set()
