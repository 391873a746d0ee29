"""Switches: trouble on purpose, and time travel, by name over `POST /sandbox/control`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox import switches_calls as calls
from integrations.sandbox import switches_people as people
from integrations.sandbox import switches_world as objects
from integrations.sandbox.lookup import UnknownSwitch
from integrations.sandbox.world import SETTINGS, World

# Form fields that hold a person's words.
_TEXTS = ("message", "name", "description", "text", "policy")


def flip(world: World, switches: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out every switch of `{"name": value}` in order; returns what each answered."""
    for name in switches:
        if name not in SWITCHES:
            raise UnknownSwitch(f"Unknown switch {name!r}. Known: {', '.join(sorted(SWITCHES))}")
    answers = {}
    for name, value in switches.items():
        try:
            answers[name] = SWITCHES[name](world, value)
        except (KeyError, TypeError, AttributeError) as exc:
            raise UnknownSwitch(f"{name}: the value does not fit ({exc!r}).") from exc
    return answers


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """`switch=name&key=value...` as a switch; a lone `value` stands for itself."""
    values: dict[str, Any] = {}
    for name, text in form.items():
        values[name] = text if name in _TEXTS else _plain(text)
    switch = str(values.pop("switch", ""))
    return {switch: values["value"] if set(values) == {"value"} else values}


def _plain(text: str) -> Any:
    """JSON where it is JSON. Ids stay text, however much they look like numbers."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, int) and len(text) > 12 else value


def _setting(name: str) -> Callable[[World, Any], None]:
    def change(world: World, value: Any) -> None:
        expected = type(SETTINGS[name])
        if name != "usage" and not isinstance(value, expected):
            raise UnknownSwitch(f"{name} wants a value like {SETTINGS[name]!r}.")
        world.set(name, value)

    return change


SWITCHES: dict[str, Callable[[World, Any], Any]] = {
    "expire_token": people.expire_token,
    "invalidate_token": people.invalidate_token,
    "token_expires_in": people.token_expires_in,
    "remove_scope": people.remove_scope,
    "grant_scope": people.grant_scope,
    "limit_accounts": people.limit_accounts,
    "sign_in": people.sign_in,
    "list": people.list_tokens,
    "signed_request": people.signed_request,
    "throttle": calls.throttle,
    "lose_reply": calls.lose_reply,
    "fail": calls.fail,
    "html_error": calls.html_error,
    "empty_page": calls.empty_page,
    "batch_null": calls.batch_null,
    "clear_faults": calls.clear_faults,
    "refuse_ads": objects.refuse_ads,
    "disapprove": objects.disapprove,
    "approve": objects.approve,
    "edit_live": objects.edit_live,
    "set_ad_status": objects.set_ad_status,
    "disable_account": objects.disable_account,
    "enable_account": objects.enable_account,
    "revise": objects.revise,
    "clock_offset_days": objects.clock_offset_days,
    "scale": objects.scale,
    "reset": objects.reset,
    **{name: _setting(name) for name in set(SETTINGS) - {"clock_offset_days", "scale"}},
}
