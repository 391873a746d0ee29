"""Login codes, tokens and permissions: who may do what, until when (fact sheet 2)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.errors import GraphError, dead_token, no_permission
from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

SHORT_SECONDS = 5_400
LONG_SECONDS = 5_183_990
# A business's own tokens: without an end, or for 60 days and renewable (fact sheet 2.5).
SYSTEM_KINDS = ("system", "system60")
DATA_ACCESS_SECONDS = 90 * 86_400
CODE_SECONDS = 600
KNOWN_SCOPES = frozenset(
    [
        "public_profile",
        "email",
        "ads_read",
        "ads_management",
        "business_management",
        "pages_show_list",
        "pages_read_engagement",
        "pages_manage_ads",
        "pages_manage_metadata",
        "instagram_basic",
        "leads_retrieval",
        "catalog_management",
        "read_insights",
    ]
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a person through a user or Page token, or the app itself (`user` is empty)."""

    user: str
    token: Node
    scopes: frozenset[str]
    accounts: frozenset[str] | None

    def require(self, *scopes: str) -> None:
        """Refuse with code 200 unless one of the scopes is granted."""
        if not self.scopes.intersection(scopes):
            raise no_permission(f"Requires one of the permissions: {', '.join(scopes)}.")


def proof(secret: str, token: str) -> str:
    """`appsecret_proof`: hex HMAC-SHA256 of the token under the app secret."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


# --- grants ------------------------------------------------------------------------------------
def grant(world: World, user: str) -> Node:
    """The person's standing towards the app: scopes with status, last login, limited accounts."""
    blank: Node = {"scopes": {}, "login": 0, "accounts": None}
    return dict(world.journal.table("grants").get(user, blank))


def save_grant(world: World, user: str, record: Node) -> None:
    """Store a changed grant."""
    world.journal.put("grants", user, record)


def tokens_of(world: World, user: str) -> list[Node]:
    """Every token ever handed out for a person, oldest first."""
    return [t for t in world.journal.table("tokens").values() if t["user"] == user]


def kill_tokens(world: World, user: str, subcode: int) -> int:
    """Make every live token of the person answer 190 with this subcode; returns how many."""
    alive = [token for token in tokens_of(world, user) if not token.get("dead")]
    for token in alive:
        world.journal.put("tokens", token["token"], {**token, "dead": subcode})
    return len(alive)


# --- login -------------------------------------------------------------------------------------
def log_in(world: World, user: str, granted: list[str], declined: list[str]) -> None:
    """Record what the person said in the dialog."""
    record = grant(world, user)
    scopes = dict(record["scopes"])
    scopes.update(dict.fromkeys(declined, "declined"))
    scopes.update(dict.fromkeys(["public_profile", *granted], "granted"))
    save_grant(world, user, {**record, "scopes": scopes, "login": int(world.now())})


def issue_code(world: World, user: str, redirect_uri: str, kind: str = "") -> str:
    """A code for one exchange within ten minutes; `kind` of token, else as the setting says."""
    code = "AQ" + secrets.token_hex(48)
    made = int(world.now())
    row = {"user": user, "redirect_uri": redirect_uri, "made": made, "used": False, "kind": kind}
    world.journal.put("codes", code, row)
    return code


def issue_token(world: World, user: str, kind: str, *, page: str = "") -> Node:
    """A fresh token: short, long, never (expires), page, system or system60."""
    now = int(world.now())
    life = {"short": SHORT_SECONDS, "long": LONG_SECONDS, "system60": LONG_SECONDS}.get(kind, 0)
    login = grant(world, user)["login"] or now
    row = {
        "token": ("EAAPage" if page else "EAAStandIn") + secrets.token_hex(40),
        "user": user,
        "kind": kind,
        "page": page,
        "issued_at": now,
        "expires_at": now + life if life else 0,
        "data_access_expires_at": 0 if kind in SYSTEM_KINDS else login + DATA_ACCESS_SECONDS,
        "dead": None,
    }
    world.journal.put("tokens", str(row["token"]), row)
    return row


def page_token(world: World, viewer: Viewer, page_id: str) -> str:
    """The Page's token as this person sees it; the same string each time."""
    for row in tokens_of(world, viewer.user):
        if row["page"] == page_id and not row.get("dead"):
            return str(row["token"])
    return str(issue_token(world, viewer.user, "page", page=page_id)["token"])


def redeem_code(world: World, code: str, redirect_uri: str) -> Node:
    """Exchange a login code. Raises 100 with 36009 used, 36008 other redirect, 36007 too old."""
    row = world.journal.table("codes").get(code)
    if row is None:
        raise _code_error(None, "Invalid verification code format.")
    if row["used"]:
        raise _code_error(36009, "This authorization code has been used.")
    if row["redirect_uri"] != redirect_uri:
        raise _code_error(
            36008,
            "Error validating verification code. Please make sure your redirect_uri is identical "
            "to the one you used in the OAuth dialog request",
        )
    if world.now() - row["made"] > CODE_SECONDS:
        raise _code_error(36007, "This authorization code has expired.")
    world.journal.put("codes", code, {**row, "used": True})
    return issue_token(world, row["user"], row.get("kind") or str(world.setting("code_grants")))


def _code_error(subcode: int | None, message: str) -> GraphError:
    return GraphError(100, message, subcode=subcode, challenge="invalid_code")


def exchange(world: World, token: str, *, renew: bool = False) -> tuple[Node, int | None]:
    """A long-lived token and its seconds: 60 days for a short one, the rest for a long one.

    With `renew`, a system user's 60-day token begins anew; the old one keeps its own end.
    """
    row = check_token(world, token)
    if row["kind"] == "system60" and renew:
        return issue_token(world, row["user"], "system60"), LONG_SECONDS
    if row["kind"] == "short":
        return issue_token(world, row["user"], "long"), LONG_SECONDS
    if not row["expires_at"]:
        return row, None
    fresh = issue_token(world, row["user"], "long")
    fresh = {**fresh, "expires_at": row["expires_at"]}
    world.journal.put("tokens", fresh["token"], fresh)
    return fresh, int(row["expires_at"] - world.now())


# --- checking ----------------------------------------------------------------------------------
def check_token(world: World, token: str) -> Node:
    """The token's record. Raises 190 with the subcode that says why it is dead."""
    row: Node | None = world.journal.table("tokens").get(token)
    if row is None:
        raise dead_token(
            None, world.app_id, "Invalid OAuth access token - Cannot parse access token"
        )
    if row["dead"]:
        raise dead_token(row["dead"], world.app_id)
    if row["expires_at"] and row["expires_at"] <= world.now():
        raise dead_token(463, world.app_id)
    if row["data_access_expires_at"] and row["data_access_expires_at"] <= world.now():
        raise dead_token(493, world.app_id)
    return row


def is_app_token(world: World, token: str) -> bool:
    """Whether this is `app_id|app_secret`. Raises 190 for the right id with a wrong secret."""
    app_id, bar, secret = token.partition("|")
    if not bar:
        return False
    if app_id == world.app_id and hmac.compare_digest(secret, world.app_secret):
        return True
    raise dead_token(None, world.app_id, "Invalid OAuth access token signature.")


def viewer(world: World, token: str, given_proof: str | None) -> Viewer:
    """Who a token stands for. Raises 190, or 100 GraphMethodException for a bad proof."""
    if given_proof is not None:
        if not hmac.compare_digest(given_proof, proof(world.app_secret, token)):
            raise _proof_error("Invalid appsecret_proof provided in the API argument")
    elif world.setting("require_proof") and "|" not in token:
        raise _proof_error("API calls from the server require an appsecret_proof argument")
    if is_app_token(world, token):
        return Viewer("", {"kind": "app", "page": ""}, frozenset(), frozenset())
    row = check_token(world, token)
    record = grant(world, row["user"])
    limited = record["accounts"]
    return Viewer(
        row["user"],
        row,
        frozenset(name for name, status in record["scopes"].items() if status == "granted"),
        None if limited is None else frozenset(limited),
    )


def _proof_error(message: str) -> GraphError:
    return GraphError(100, message, kind="GraphMethodException")


def _type(row: Node) -> str:
    if row["page"]:
        return "PAGE"
    return "SYSTEM_USER" if row["kind"] in SYSTEM_KINDS else "USER"


def describe(world: World, token: str) -> dict[str, Any]:
    """The `data` of `/debug_token` for any token text."""
    row = world.journal.table("tokens").get(token)
    if row is None:
        error = {"code": 190, "message": "Invalid OAuth access token."}
        return {"is_valid": False, "scopes": [], "error": error}
    record = grant(world, row["user"])
    scopes = [name for name, status in record["scopes"].items() if status == "granted"]
    limited = record["accounts"]
    granular = []
    for scope in scopes:
        entry: dict[str, Any] = {"scope": scope}
        if limited is not None and scope in ("ads_read", "ads_management"):
            entry["target_ids"] = [account.removeprefix("act_") for account in limited]
        granular.append(entry)
    data: dict[str, Any] = {
        "app_id": world.app_id,
        "type": _type(row),
        "application": "Leadmetrics (local)",
        "is_valid": True,
        "issued_at": row["issued_at"],
        "expires_at": row["expires_at"],
        "data_access_expires_at": row["data_access_expires_at"],
        "user_id": row["user"],
        "scopes": scopes,
        "granular_scopes": granular,
    }
    if row["page"]:
        data["profile_id"] = row["page"]
    try:
        check_token(world, token)
    except GraphError as exc:
        data["is_valid"] = False
        data["error"] = {"code": exc.code, "message": exc.message, "subcode": exc.subcode}
    return data
