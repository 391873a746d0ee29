"""What a switch or a tool names: a person, an ad account, an object."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.seed import Node
from integrations.sandbox.world import World


class UnknownSwitch(ValueError):
    """A switch name nobody knows, or a value that does not fit; the text says what to send."""


def person(world: World, wanted: Any) -> Node:
    """A person by id, name or first name."""
    for node in world.of_kind("User"):
        first = node["name"].split()[0].lower()
        if str(wanted).lower() in (node["id"], node["name"].lower(), first):
            return node
    raise UnknownSwitch(f"There is no person {wanted!r}.")


def account(world: World, wanted: Any) -> Node:
    """An ad account by `act_...`, digits, or its short key in the seed."""
    for node in world.of_kind("AdAccount"):
        if str(wanted) in (node["id"], node["account_id"], node["_key"]):
            return node
    raise UnknownSwitch(f"There is no ad account {wanted!r}.")


def node_of(world: World, wanted: Any, kind: str) -> Node:
    """A copy of an object of this kind, to change and save."""
    node = world.nodes.get(str(wanted))
    if node is None or node["_kind"] != kind:
        raise UnknownSwitch(f"There is no {kind} {wanted!r}.")
    return dict(node)


def one(value: Any, key: str) -> Any:
    """The value itself, or its `key` when it is an object."""
    return value[key] if isinstance(value, dict) else value
