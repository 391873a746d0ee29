from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.measure import Measure, side_by_side, table, write


@pytest.mark.parametrize(
    ("value", "goal", "ok"),
    [(1.0, 2.0, True), (2.0, 2.0, True), (2.1, 2.0, False), (0, 0, True), (99.0, None, True)],
)
def test_figure_is_good_up_to_its_goal(value: float, goal: float | None, ok: bool) -> None:
    assert Measure("x", value, "s", goal).ok is ok


def test_table_shows_each_figure_and_what_missed_its_goal() -> None:
    lines = table([Measure("fast", 1.0, "ratio", 2.0), Measure("slow", 3.0, "ratio", 2.0)])
    head, fast, slow = lines.splitlines()
    assert head.split() == ["measure", "value", "unit", "goal", "ok"]
    assert fast.split() == ["fast", "1.00", "ratio", "2", "yes"]
    assert slow.split() == ["slow", "3.00", "ratio", "2", "NO"]


def test_file_lists_what_the_table_shows(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    write([Measure("a", 1.5, "s"), Measure("b", 3.0, "ratio", 2.0)], path)
    assert json.loads(path.read_text()) == [
        {"name": "a", "value": 1.5, "unit": "s", "goal": None, "ok": True},
        {"name": "b", "value": 3.0, "unit": "ratio", "goal": 2.0, "ok": False},
    ]


def test_both_sides_run_in_turns() -> None:
    order: list[str] = []
    side_by_side(lambda: order.append("ours"), lambda: order.append("theirs"), rounds=2)
    assert order == ["theirs", "ours", "theirs", "ours"]
