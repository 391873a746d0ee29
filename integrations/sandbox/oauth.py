"""Calls about tokens: code and token exchange, `debug_token`, revoking (fact sheet 2)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from integrations.sandbox import tokens
from integrations.sandbox.errors import GraphError, dead_token, invalid
from integrations.sandbox.world import World


def _check_app(world: World, raw: Mapping[str, str], *, secret: bool = True) -> None:
    if not raw.get("client_id"):
        raise GraphError(101, "Missing client_id parameter.")
    if raw["client_id"] != world.app_id:
        raise GraphError(
            101,
            "Error validating application. Cannot get application info due to a system error.",
        )
    if secret and not hmac.compare_digest(raw.get("client_secret", ""), world.app_secret):
        raise GraphError(1, "Error validating client secret.")


def access_token(world: World, raw: Mapping[str, str]) -> dict[str, Any]:
    """`/oauth/access_token`: a login code, a long-lived exchange, or the app's own token."""
    _check_app(world, raw)
    kind = raw.get("grant_type", "")
    if kind == "client_credentials":
        return {"access_token": f"{world.app_id}|{world.app_secret}", "token_type": "bearer"}
    if kind == "fb_exchange_token":
        if not raw.get("fb_exchange_token"):
            raise invalid("The parameter fb_exchange_token is required", "fb_exchange_token")
        row, seconds = tokens.exchange(
            world,
            raw["fb_exchange_token"],
            renew=raw.get("set_token_expires_in_60_days") == "true",
        )
        return _grant(row["token"], seconds)
    if kind not in ("", "authorization_code"):
        raise invalid("Param grant_type is not supported.", "grant_type")
    for name in ("code", "redirect_uri"):
        if not raw.get(name):
            raise GraphError(100, f"Missing {name} parameter.")
    row = tokens.redeem_code(world, raw["code"], raw["redirect_uri"])
    seconds = row["expires_at"] - row["issued_at"] if row["expires_at"] else None
    return _grant(row["token"], seconds)


def _grant(token: str, seconds: int | None) -> dict[str, Any]:
    """`expires_in` is left out for a token that does not expire."""
    answer: dict[str, Any] = {"access_token": token, "token_type": "bearer"}
    if seconds is not None:
        answer["expires_in"] = seconds
    return answer


def debug_token(world: World, raw: Mapping[str, str], token: str) -> dict[str, Any]:
    """What the app may know about a token; asked with the app's token or a live user token."""
    if not raw.get("input_token"):
        raise invalid("The parameter input_token is required", "input_token")
    if not token:
        raise GraphError(104, "An access token is required to request this resource.")
    if not tokens.is_app_token(world, token):
        tokens.check_token(world, token)
    return {"data": tokens.describe(world, raw["input_token"])}


def revoke(world: World, raw: Mapping[str, str], token: str) -> dict[str, Any]:
    """`/oauth/revoke`: one token stops working (467)."""
    _check_app(world, raw)
    if not token:
        raise dead_token(None, world.app_id, "An access token is required.")
    tokens.viewer(world, token, raw.get("appsecret_proof"))
    target = world.journal.table("tokens").get(raw.get("revoke_token", ""))
    if target is None:
        raise invalid("Param revoke_token is not a valid token.", "revoke_token")
    world.journal.put("tokens", target["token"], {**target, "dead": 467})
    return {"success": True}
