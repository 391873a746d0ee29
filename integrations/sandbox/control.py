"""Switches: trouble on purpose, and time travel, by name over `POST /sandbox/control`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox import faults, statuses, tokens
from integrations.sandbox.ads import swap_creative
from integrations.sandbox.errors import TOKEN_MESSAGES
from integrations.sandbox.seed import BENCH_PERSON, Node
from integrations.sandbox.world import SETTINGS, World

SOMEONE: Node = {"actor_id": "122000000000008", "actor_name": "Jo Brandt (agency)"}
THROTTLE_MESSAGES = {
    4: "Application request limit reached",
    17: "User request limit reached",
    613: "Calls to this api have exceeded the rate limit.",
}


class UnknownSwitch(ValueError):
    """A switch name nobody knows, or a value that does not fit; the text says what to send."""


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
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
        # Ids are text, however much they look like numbers.
        if isinstance(values[name], int) and len(text) > 12:
            values[name] = text
    switch = str(values.pop("switch", ""))
    return {switch: values["value"] if set(values) == {"value"} else values}


# --- finding things ----------------------------------------------------------------------------
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


def _node(world: World, wanted: Any, kind: str) -> Node:
    node = world.nodes.get(str(wanted))
    if node is None or node["_kind"] != kind:
        raise UnknownSwitch(f"There is no {kind} {wanted!r}.")
    return dict(node)


def _one(value: Any, key: str) -> Any:
    """The value itself, or its `key` when it is an object."""
    return value[key] if isinstance(value, dict) else value


# --- people and tokens -------------------------------------------------------------------------
def expire_token(world: World, value: Any) -> int:
    return tokens.kill_tokens(world, person(world, _one(value, "user"))["id"], 463)


def invalidate_token(world: World, value: Any) -> int:
    subcode = int(value.get("subcode", 460)) if isinstance(value, dict) else 460
    if subcode not in TOKEN_MESSAGES:
        raise UnknownSwitch(f"subcode must be one of {sorted(TOKEN_MESSAGES)}")
    return tokens.kill_tokens(world, person(world, _one(value, "user"))["id"], subcode)


def token_expires_in(world: World, value: Any) -> int:
    """The person's live tokens end in so many seconds; 0 means never."""
    seconds = int(value["seconds"])
    until = int(world.now()) + seconds if seconds else 0
    alive = [t for t in tokens.tokens_of(world, person(world, value["user"])["id"])
             if not t["dead"]]  # fmt: skip
    for token in alive:
        world.journal.put("tokens", token["token"], {**token, "expires_at": until})
    return len(alive)


def remove_scope(world: World, value: Any) -> None:
    _set_scope(world, value, value.get("status", "declined"))


def grant_scope(world: World, value: Any) -> None:
    _set_scope(world, value, "granted")


def _set_scope(world: World, value: Any, status: str) -> None:
    user = person(world, value["user"])["id"]
    record = tokens.grant(world, user)
    scopes = {**record["scopes"], str(value["scope"]): status}
    tokens.save_grant(world, user, {**record, "scopes": scopes})


def limit_accounts(world: World, value: Any) -> None:
    """The app may use only these ad accounts of the person; null lifts the limit."""
    user, wanted = person(world, value["user"])["id"], value["accounts"]
    limited = None if wanted is None else [account(world, item)["id"] for item in wanted]
    tokens.save_grant(world, user, {**tokens.grant(world, user), "accounts": limited})


def sign_in(world: World, value: Any) -> str:
    """A ready user token without the dialog, for tests: `{"user", "scopes", "kind"}`."""
    user = person(world, _one(value, "user"))["id"]
    value = value if isinstance(value, dict) else {}
    scopes = value.get("scopes") or sorted(tokens.KNOWN_SCOPES)
    tokens.log_in(world, user, list(scopes), [])
    return str(tokens.issue_token(world, user, value.get("kind", "long"))["token"])


def list_tokens(world: World, _: Any) -> dict[str, list[str]]:
    """Every live token in full, by person. Nothing else in the stand-in shows them."""
    return {
        node["name"]: [t["token"] for t in tokens.tokens_of(world, node["id"]) if not t["dead"]]
        for node in world.of_kind("User")
    }


def signed_request(world: World, value: Any) -> str:
    """A deauthorise or deletion callback's body field; `{"user", "forged", "algorithm"}`."""
    user = person(world, _one(value, "user"))["id"]
    value = value if isinstance(value, dict) else {}
    payload = {"algorithm": value.get("algorithm", "HMAC-SHA256"),
               "issued_at": int(world.now()), "user_id": user}  # fmt: skip
    encoded = _base64(json.dumps(payload).encode())
    key = "another secret" if value.get("forged") else world.app_secret
    signature = hmac.new(key.encode(), encoded.encode(), hashlib.sha256).digest()
    return f"{_base64(signature)}.{encoded}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# --- calls that go wrong -----------------------------------------------------------------------
def throttle(world: World, value: Any) -> Node:
    """Refuse calls about an account (or all) for a number of times, or of minutes."""
    code, minutes = int(value.get("code", 80004)), int(value.get("minutes", 1))
    wanted = value.get("account")
    act = account(world, wanted)["id"] if wanted else "*"
    default = (
        "There have been too many calls from this ad-account. Please wait a bit and try again."
    )
    return faults.add(world, "throttle", {
        "path": act, "account": wanted or "", "code": code, "subcode": value.get("subcode"),
        "minutes": minutes, "times": value.get("times"), "until": world.now() + minutes * 60,
        "message": f"(#{code}) {THROTTLE_MESSAGES.get(code, default)}",
    })  # fmt: skip


def lose_reply(world: World, value: Any) -> Node:
    """The write is stored, the connection closes without an answer."""
    return _fault(world, "lose_reply", value, method="POST")


def fail(world: World, value: Any) -> Node:
    """An error with the wanted status, code and subcode, before or after the effect."""
    code = int(value.get("code", 1))
    return _fault(
        world, "fail", value, code=code, status=int(value.get("status", 500)),
        subcode=value.get("subcode"), with_effect=bool(value.get("with_effect")),
        message=value.get("message", f"(#{code}) An error was asked for at the control endpoint."),
    )  # fmt: skip


def html_error(world: World, value: Any) -> Node:
    """A web page instead of JSON, as a broken proxy sends."""
    value = value if isinstance(value, dict) else {"path": value}
    return _fault(world, "html_error", value, status=int(value.get("status", 502)),
                  with_effect=bool(value.get("with_effect")))  # fmt: skip


def empty_page(world: World, value: Any) -> Node:
    """A page without rows that still has `next`."""
    return _fault(world, "empty_page", value, method="GET")


def batch_null(world: World, value: Any) -> Node:
    """The next batch items answer null."""
    return faults.add(world, "batch_null", {
        "times": value.get("times", 1), "with_effect": bool(value.get("with_effect"))})  # fmt: skip


def _fault(world: World, kind: str, value: Any, **extra: Any) -> Node:
    value = value if isinstance(value, dict) else {"path": value}
    rule = {"path": str(value.get("path", "")), "times": int(value.get("times", 1)),
            "method": value.get("method"), **extra}  # fmt: skip
    rule["method"] = value.get("method", extra.get("method"))
    return faults.add(world, kind, rule)


def clear_faults(world: World, _: Any) -> None:
    """No more trouble: rules, refusals and lasting switches go, except scale and clock."""
    for table in ("faults", "refusals"):
        for key in list(world.journal.table(table)):
            world.journal.drop(table, key)
    for name in set(SETTINGS) - {"scale", "clock_offset_days"}:
        world.journal.drop("settings", name)


# --- objects -----------------------------------------------------------------------------------
def refuse_ads(world: World, value: Any) -> None:
    """Refuse new ads in an account until `{"off": true}`."""
    act = account(world, _one(value, "account"))["id"]
    value = value if isinstance(value, dict) else {}
    if value.get("off"):
        world.journal.drop("refusals", act)
        return
    world.journal.put("refusals", act, {
        "code": int(value.get("code", 100)), "subcode": value.get("subcode", 1885183),
        "message": value.get("message", "Ads creative post was created by an app that is in "
                             "development mode. It must be in public to create this ad."),
    })  # fmt: skip


def disapprove(world: World, value: Any) -> None:
    """Meta's review ends with a refusal."""
    ad = _node(world, _one(value, "ad_id"), "Ad")
    value = value if isinstance(value, dict) else {}
    policy = value.get("policy", "Unacceptable business practices")
    text = value.get("text", "The ad promises something the landing page does not show.")
    ad["_verdict"] = {"global": {policy: text},
                      "placement_specific": {"facebook": {policy: text}}}  # fmt: skip
    _end_review(world, ad, "ad_review_declined")


def approve(world: World, value: Any) -> None:
    """Meta's review ends at once and well."""
    ad = _node(world, _one(value, "ad_id"), "Ad")
    ad["_verdict"] = None
    _end_review(world, ad, "ad_review_approved")


def _end_review(world: World, ad: Node, event: str) -> None:
    ad["_review_until"] = 0
    ad["_updated"] = int(world.now())
    world.log_activity(ad, event, {"actor_id": "0", "actor_name": "Meta"})
    world.save(ad)


def edit_live(world: World, value: Any) -> str:
    """Someone changes an ad's text in Ads Manager; returns the new creative's id."""
    ad = _node(world, value["ad_id"], "Ad")
    old = world.nodes[ad["_creative"]]
    spec = json.loads(json.dumps(old["_spec"]))
    link_data = spec["object_story_spec"]["link_data"]
    for part in ("message", "name", "description"):
        if part in value:
            link_data[part] = str(value[part])
    fresh = {**old, "id": world.new_id(), "_spec": spec, "_content": "", "_by": "someone",
             "_created": int(world.now())}  # fmt: skip
    world.save(fresh)
    swap_creative(world, ad, fresh, SOMEONE)
    ad["_updated"] = int(world.now())
    world.save(ad)
    return str(fresh["id"])


def set_ad_status(world: World, value: Any) -> None:
    """Someone else changes an ad's status in Ads Manager."""
    ad = _node(world, value["ad_id"], "Ad")
    world.log_activity(ad, "update_ad_run_status", SOMEONE, old_value=ad["status"],
                       new_value=value["status"])  # fmt: skip
    statuses.set_status(world, ad, str(value["status"]))


def disable_account(world: World, value: Any) -> None:
    _account_status(world, value, 2, 1)


def enable_account(world: World, value: Any) -> None:
    _account_status(world, value, 1, 0)


def _account_status(world: World, value: Any, status: int, reason: int) -> None:
    node = account(world, _one(value, "account"))
    world.save({**node, "account_status": status, "disable_reason": reason})


def revise(world: World, value: Any) -> int:
    """Restate rows: `{"account" | "campaign", "since", "until", "percent"}`."""
    if "campaign" in value:
        campaigns = [_node(world, value["campaign"], "Campaign")]
    else:
        campaigns = world.kids(account(world, value["account"]), "campaigns")
    table = world.journal.table("revisions")
    for campaign in campaigns:
        world.journal.put("revisions", str(len(table) + 1), {
            "id": campaign["id"], "since": str(value["since"]), "until": str(value["until"]),
            "percent": int(value.get("percent", 110)),
        })  # fmt: skip
    return len(campaigns)


# --- the world ---------------------------------------------------------------------------------
def clock_offset_days(world: World, value: Any) -> float:
    """The world's clock against the real one; `"+1"` moves it on from where it stands."""
    now = float(world.setting("clock_offset_days"))
    days = now + float(value) if isinstance(value, str) and value[:1] == "+" else float(value)
    world.set("clock_offset_days", days)
    return days


def scale(world: World, value: Any) -> str:
    """Add many ad accounts with many campaigns; returns the bench person's id."""
    wanted = {"accounts": int(value["accounts"]), "campaigns": int(value["campaigns"])}
    world.set("scale", wanted)
    world.reload()
    return BENCH_PERSON


def reset(world: World, value: Any) -> None:
    """Everything back to the seed; `{"keep_people": true}` keeps tokens and grants."""
    world.reset(keep_people=isinstance(value, dict) and bool(value.get("keep_people")))


def _setting(name: str) -> Callable[[World, Any], None]:
    def change(world: World, value: Any) -> None:
        expected = type(SETTINGS[name])
        if name != "usage" and not isinstance(value, expected):
            raise UnknownSwitch(f"{name} wants a value like {SETTINGS[name]!r}.")
        world.set(name, value)

    return change


SWITCHES: dict[str, Callable[[World, Any], Any]] = {
    "expire_token": expire_token, "invalidate_token": invalidate_token,
    "token_expires_in": token_expires_in, "remove_scope": remove_scope,
    "grant_scope": grant_scope, "limit_accounts": limit_accounts, "sign_in": sign_in,
    "list": list_tokens, "signed_request": signed_request, "throttle": throttle,
    "lose_reply": lose_reply, "fail": fail, "html_error": html_error, "empty_page": empty_page,
    "batch_null": batch_null, "clear_faults": clear_faults, "refuse_ads": refuse_ads,
    "disapprove": disapprove, "approve": approve, "edit_live": edit_live,
    "set_ad_status": set_ad_status, "disable_account": disable_account,
    "enable_account": enable_account, "revise": revise, "clock_offset_days": clock_offset_days,
    "scale": scale, "reset": reset,
    **{name: _setting(name) for name in set(SETTINGS) - {"clock_offset_days", "scale"}},
}  # fmt: skip
