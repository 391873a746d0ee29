"""Switches for the next calls: refused, failed, answered with nonsense or not at all."""

from __future__ import annotations

from typing import Any

from integrations.sandbox import faults
from integrations.sandbox.lookup import account
from integrations.sandbox.seed import Node
from integrations.sandbox.world import SETTINGS, World

THROTTLE_MESSAGES = {
    4: "Application request limit reached",
    17: "User request limit reached",
    613: "Calls to this api have exceeded the rate limit.",
}


def throttle(world: World, value: Any) -> Node:
    """Refuse calls about an account (or all) for a number of times, or of minutes."""
    code, minutes = int(value.get("code", 80004)), int(value.get("minutes", 1))
    wanted = value.get("account")
    act = account(world, wanted)["id"] if wanted else "*"
    default = (
        "There have been too many calls from this ad-account. Please wait a bit and try again."
    )
    return faults.add(
        world,
        "throttle",
        {
            "path": act,
            "account": wanted or "",
            "code": code,
            "subcode": value.get("subcode"),
            "minutes": minutes,
            "times": value.get("times"),
            "until": world.now() + minutes * 60,
            "message": f"(#{code}) {THROTTLE_MESSAGES.get(code, default)}",
        },
    )


def lose_reply(world: World, value: Any) -> Node:
    """The write is stored, the connection closes without an answer."""
    return _fault(world, "lose_reply", value, method="POST")


def fail(world: World, value: Any) -> Node:
    """An error with the wanted status, code and subcode, before or after the effect."""
    code = int(value.get("code", 1))
    return _fault(
        world,
        "fail",
        value,
        code=code,
        status=int(value.get("status", 500)),
        subcode=value.get("subcode"),
        with_effect=bool(value.get("with_effect")),
        message=value.get("message", f"(#{code}) An error was asked for at the control endpoint."),
    )


def html_error(world: World, value: Any) -> Node:
    """A web page instead of JSON, as a broken proxy sends."""
    value = value if isinstance(value, dict) else {"path": value}
    return _fault(
        world,
        "html_error",
        value,
        status=int(value.get("status", 502)),
        with_effect=bool(value.get("with_effect")),
    )


def empty_page(world: World, value: Any) -> Node:
    """A page without rows that still has `next`."""
    return _fault(world, "empty_page", value, method="GET")


def batch_null(world: World, value: Any) -> Node:
    """The next batch items answer null."""
    return faults.add(
        world,
        "batch_null",
        {"times": value.get("times", 1), "with_effect": bool(value.get("with_effect"))},
    )


def _fault(world: World, kind: str, value: Any, **extra: Any) -> Node:
    value = value if isinstance(value, dict) else {"path": value}
    rule = {
        "path": str(value.get("path", "")),
        "times": int(value.get("times", 1)),
        "method": value.get("method"),
        **extra,
    }
    rule["method"] = value.get("method", extra.get("method"))
    return faults.add(world, kind, rule)


def clear_faults(world: World, _: Any) -> None:
    """No more trouble: rules, refusals and lasting switches go, except scale and clock."""
    for table in ("faults", "refusals"):
        for key in list(world.journal.table(table)):
            world.journal.drop(table, key)
    for name in set(SETTINGS) - {"scale", "clock_offset_days"}:
        world.journal.drop("settings", name)
