"""Dies, or fails, at each system call of the store that changes, opens or locks files; then others come and look.

    python -m tests.torture.crash_points [--language java] [--scenes "publish;evict"] [--actions kill,half,EIO]
        [--sample N] [--seed S]

Each scene (`crash_scenes`) is played once to list its calls. Then, for each call and each action, it is played again
from the same state and is killed in place of the call, or the call fails; and new ones of both languages recover
(`crash_recovery`). A scene in which a call fails must not raise: a fault of the cache is never a fault of its user.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.crash_scenes import SCENES
from tests.torture.crash_stage import DYING, stage
from tests.torture.syscalls import Call

ERRORS = ("EIO", "ENOSPC", "EINTR", "EACCES")
ACTIONS = (*DYING, "short", *ERRORS)
_WRITES = ("write", "writev", "pwrite")


@dataclass
class Figures:
    """What came of it. ``problems``: what is wrong, with the point that it is wrong at."""

    points: Counter[str] = field(default_factory=Counter)
    recoveries: Counter[str] = field(default_factory=Counter)
    rows: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unreached: int = 0  # kills of a run that made fewer calls than the one that was listed

    def add(self, scene: str, call: Call, action: str, problems: Sequence[str]) -> None:
        self.recoveries[scene] += 1
        row = self.rows.setdefault((scene, call.kind), Counter())
        row[action] += 1
        row["wrong"] += bool(problems)
        self.problems += [f"{scene}, call {call.number} ({call.kind}), {action}: {problem}" for problem in problems]

    @property
    def bad_publishes(self) -> int:
        return sum("bad publish" in problem for problem in self.problems)


def run(scenes: Sequence[str], actions: Sequence[str], seed: int, sample: int = 0, language: str = "python") -> Figures:
    """Strikes at each call, or, of each scene, at ``sample`` calls that are as different as can be."""
    figures = Figures()
    with stage(language, seed) as opened:
        for scene in scenes:
            begun, wrong = time.monotonic(), len(figures.problems)
            calls, problems = opened.calls(scene)
            figures.points[scene] = len(calls)
            figures.problems += [f"{scene}, not interrupted: {problem}" for problem in problems]
            for call in _chosen(calls, sample, random.Random(seed)):
                for action in actions:
                    if action not in ("half", "short") or call.name in _WRITES:
                        figures.add(scene, call, action, opened.strike(scene, call, action))
            for problem in figures.problems[wrong:]:
                print(f"WRONG: {problem}")
            seconds = time.monotonic() - begun
            print(f"{scene}: {len(calls)} points, {figures.recoveries[scene]} recoveries, {seconds:.0f} s", flush=True)
        figures.unreached = opened.unreached
    return figures


def scenes_of(language: str) -> list[str]:
    """The engine of the jar reads an HDFS only: what it fetches is published like anything else."""
    return [name for name, scene in SCENES.items() if language == "python" or scene.verb != "fetch"]


def _chosen(calls: Sequence[Call], sample: int, chance: random.Random) -> list[Call]:
    """First one call of each kind, then others."""
    if not sample or sample >= len(calls):
        return list(calls)
    kinds: dict[str, list[Call]] = {}
    for call in chance.sample(calls, len(calls)):
        kinds.setdefault(call.kind, []).append(call)
    firsts = [some[0] for some in kinds.values()]
    rest = [call for some in kinds.values() for call in some[1:]]
    return sorted([*firsts, *rest][:sample], key=lambda call: call.number)


def report(figures: Figures, seed: int) -> str:
    lines = [f"{'operation':<18} {'system call':<72} " + " ".join(f"{action:>7}" for action in (*ACTIONS, "wrong"))]
    for (scene, kind), row in figures.rows.items():
        lines.append(f"{scene:<18} {_short(kind):<72} " + " ".join(f"{row[name]:>7}" for name in (*ACTIONS, "wrong")))
    total = sum(figures.recoveries.values())
    lines.append(
        f"points {sum(figures.points.values())}, recoveries {total}, bad publishes {figures.bad_publishes}, "
        f"other problems {len(figures.problems) - figures.bad_publishes}, kills not reached {figures.unreached}, "
        f"seed {seed}"
    )
    return "\n".join(lines)


def _short(kind: str) -> str:
    """Without the directory that the run made."""
    name, path = kind.split(" ", 1)
    parts = ["memory" if part.startswith("hybridfs-c0") else part for part in Path(path).parts]
    starts = [at for at, part in enumerate(parts) if part in ("root", "second", "memory")]
    return f"{name} {'/'.join(parts[min(starts, default=0) :])}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--scenes", help=f"of {'; '.join(SCENES)} (default: all), separated by ';'")
    parser.add_argument("--actions", default=",".join(ACTIONS))
    parser.add_argument("--sample", type=int, default=0, help="calls of each scene (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", choices=("python", "java"), default="python", help="of the process that dies")
    options = parser.parse_args()
    scenes = [name.strip() for name in options.scenes.split(";")] if options.scenes else scenes_of(options.language)
    figures = run(scenes, options.actions.split(","), options.seed, options.sample, options.language)
    print(report(figures, options.seed))
    return 1 if figures.problems else 0


if __name__ == "__main__":
    sys.exit(main())
