"""Trouble on purpose: rules that hit the next calls whose path and method fit."""

from __future__ import annotations

from integrations.sandbox.seed import Node
from integrations.sandbox.world import World


def add(world: World, kind: str, rule: Node) -> Node:
    """Store a rule. `times` is how often it strikes; None means until it is removed."""
    table = world.journal.table("faults")
    key = str(int(next(reversed(table), "0")) + 1)
    stored = {"id": key, "kind": kind, **rule}
    world.journal.put("faults", key, stored)
    return stored


def take(world: World, kind: str, path: str, method: str) -> Node | None:
    """The first rule of this kind that fits, used up by one; None when there is none."""
    for key, rule in list(world.journal.table("faults").items()):
        if rule["kind"] != kind or not _fits(rule, path, method):
            continue
        if rule.get("until") is not None and rule["until"] <= world.now():
            world.journal.drop("faults", key)
            continue
        times = rule.get("times")
        if times is not None and times <= 1:
            world.journal.drop("faults", key)
        elif times is not None:
            world.journal.put("faults", key, {**rule, "times": times - 1})
        return dict(rule)
    return None


def _fits(rule: Node, path: str, method: str) -> bool:
    """A rule's path is the end of the called path, `ads` or `act_1/ads`; "" fits all."""
    wanted, actual = rule.get("path", "").strip("/"), path.strip("/")
    if wanted and actual != wanted and not actual.endswith(f"/{wanted}"):
        return False
    return rule.get("method") in (None, "", method)
