"""Switches for people: their tokens, their permissions, and what Meta signs about them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from integrations.sandbox import tokens
from integrations.sandbox.errors import TOKEN_MESSAGES
from integrations.sandbox.lookup import UnknownSwitch, account, one, person
from integrations.sandbox.world import World


def expire_token(world: World, value: Any) -> int:
    return tokens.kill_tokens(world, person(world, one(value, "user"))["id"], 463)


def invalidate_token(world: World, value: Any) -> int:
    subcode = int(value.get("subcode", 460)) if isinstance(value, dict) else 460
    if subcode not in TOKEN_MESSAGES:
        raise UnknownSwitch(f"subcode must be one of {sorted(TOKEN_MESSAGES)}")
    return tokens.kill_tokens(world, person(world, one(value, "user"))["id"], subcode)


def token_expires_in(world: World, value: Any) -> int:
    """The person's live tokens end in so many seconds; 0 means never."""
    seconds = int(value["seconds"])
    until = int(world.now()) + seconds if seconds else 0
    alive = [
        t for t in tokens.tokens_of(world, person(world, value["user"])["id"]) if not t["dead"]
    ]
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
    user = person(world, one(value, "user"))["id"]
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
    user = person(world, one(value, "user"))["id"]
    value = value if isinstance(value, dict) else {}
    payload = {
        "algorithm": value.get("algorithm", "HMAC-SHA256"),
        "issued_at": int(world.now()),
        "user_id": user,
    }
    encoded = _base64(json.dumps(payload).encode())
    key = "another secret" if value.get("forged") else world.app_secret
    signature = hmac.new(key.encode(), encoded.encode(), hashlib.sha256).digest()
    return f"{_base64(signature)}.{encoded}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
