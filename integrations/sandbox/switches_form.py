"""The switches a person can press on the page: each a small form of its own."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.sandbox.html import esc
from integrations.sandbox.paging import dumps
from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

Switch = tuple[str, str, Mapping[str, object]]


def _button(switch: str, label: str, values: Mapping[str, object], css: str = "") -> str:
    hidden = "".join(
        f'<input type="hidden" name="{esc(name)}" '
        f'value="{esc(value if isinstance(value, str) else dumps(value))}">'
        for name, value in values.items()
    )
    return (
        f'<form method="post" action="/sandbox/control" class="{css or "switch"}">'
        f'<input type="hidden" name="switch" value="{switch}">{hidden}'
        f'<button type="submit">{esc(label)}</button></form>'
    )


def side_switches(world: World, account: Node) -> str:
    """Trouble for people, for the next calls, for the chosen account, for the clock."""
    first = next(world.of_kind("User"))
    name, user = first["name"].split()[0], first["id"]
    act = account["id"]
    groups: tuple[tuple[str, list[Switch]], ...] = (
        (
            f"{name}'s connection",
            [
                ("expire_token", "Let the token expire", {"user": user}),
                ("invalidate_token", "Password changed", {"user": user, "subcode": 460}),
                ("invalidate_token", "App removed at Facebook", {"user": user, "subcode": 458}),
                (
                    "remove_scope",
                    "Take back ads_management",
                    {"user": user, "scope": "ads_management"},
                ),
            ],
        ),
        (
            "The next calls",
            [
                ("lose_reply", "Lose the reply to the next ad", {"path": "ads", "times": 1}),
                ("fail", "Fail the next ad (500)", {"path": "ads", "method": "POST", "times": 1}),
                ("html_error", "Web page instead of insights", {"path": "insights", "times": 1}),
                ("empty_page", "Empty page of insights", {"path": "insights", "times": 1}),
            ],
        ),
        (
            account["name"],
            [
                ("throttle", "Throttle for a minute", {"account": act, "minutes": 1}),
                ("refuse_ads", "Refuse new ads", {"account": act}),
                ("refuse_ads", "Accept new ads", {"account": act, "off": True}),
                ("disable_account", "Disable", {"account": act}),
                ("enable_account", "Enable", {"account": act}),
            ],
        ),
        (
            "Everything",
            [
                ("clock_offset_days", "Clock one day on", {"value": "+1"}),
                ("clear_faults", "No more trouble", {"value": True}),
                ("reset", "Reset, keep connections", {"keep_people": True}),
                ("reset", "Reset all", {"value": True}),
            ],
        ),
    )
    rules = world.journal.table("faults").values()
    waiting = [rule for rule in rules if (rule.get("until") or world.now() + 1) > world.now()]
    words = "".join(f"<li>{esc(_fault(rule))}</li>" for rule in waiting)
    listed = f'<ul class="plain note warn">{words}</ul>' if words else ""
    return listed + "".join(
        f'<section class="group"><h3>{esc(title)}</h3>'
        f"{''.join(_button(*switch) for switch in switches)}</section>"
        for title, switches in groups
    )


def _fault(rule: Node) -> str:
    times = rule.get("times")
    often = f", {times} more" if times else ""
    return f"Waiting: {rule['kind'].replace('_', ' ')} {rule.get('path', '')}{often}"


def ad_switches(ad: Node) -> str:
    """What Meta, or a colleague in Ads Manager, can do to one ad."""
    ad_id = ad["id"]
    return (
        '<div class="row">'
        + _button("approve", "Meta approves", {"ad_id": ad_id})
        + _button("disapprove", "Meta refuses", {"ad_id": ad_id})
        + f"""<details class="switch"><summary>Edit in Ads Manager</summary>
    <form method="post" action="/sandbox/control" class="edit">
      <input type="hidden" name="switch" value="edit_live">
      <input type="hidden" name="ad_id" value="{esc(ad_id)}">
      <label>New primary text <input name="message" required maxlength="500"></label>
      <button type="submit">Change the text</button>
    </form></details></div>"""
    )
