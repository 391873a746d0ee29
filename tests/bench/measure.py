"""What a benchmark hands back, and how all of them are shown."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. With a goal it must not be larger than that; without one it is context."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def ok(self) -> bool:
        return self.goal is None or self.value <= self.goal


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def side_by_side(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int
) -> tuple[float, float]:
    """The medians of both in seconds, taken in turns so that a busy moment hits both."""
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(rounds)]
    return statistics.median(own for _, own in pairs), statistics.median(t for t, _ in pairs)


def table(measures: Sequence[Measure]) -> str:
    """All figures, one a line."""
    lines = [f"{'measure':<44}{'value':>10} {'unit':<10}{'goal':>8}  ok"]
    for measure in measures:
        goal = "" if measure.goal is None else f"{measure.goal:g}"
        verdict = "" if measure.goal is None else ("yes" if measure.ok else "NO")
        lines.append(
            f"{measure.name:<44}{measure.value:>10.2f} {measure.unit:<10}{goal:>8}  {verdict}"
        )
    return "\n".join(lines)


def write(measures: Sequence[Measure], path: Path) -> None:
    """The list of ``{name, value, unit, goal, ok}`` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{**asdict(measure), "ok": measure.ok} for measure in measures]
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
