"""What a Graph call carries, and the table of which function answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.errors import missing, no_permission
from integrations.sandbox.fields import Field, parse_fields
from integrations.sandbox.seed import Node
from integrations.sandbox.tokens import Viewer
from integrations.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Upload:
    """One file part of a multipart body."""

    part: str
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One checked Graph call. `params` are typed, `raw` is the text as it came."""

    world: World
    viewer: Viewer
    node: Node
    method: str
    version: str
    base_url: str
    path: str
    raw: Mapping[str, str]
    params: Mapping[str, Any]
    token: str
    files: tuple[Upload, ...] = field(default=())

    @property
    def fields(self) -> tuple[Field, ...]:
        """The asked fields, empty when none were."""
        return parse_fields(self.raw.get("fields", ""))

    def require_write(self, account: Node) -> None:
        """Refuse unless the person may change this ad account and it is not disabled."""
        self.viewer.require("ads_management")
        tasks = self.world.nodes[self.viewer.user]["_accounts"].get(account["id"], ())
        if not {"MANAGE", "ADVERTISE"}.intersection(tasks):
            raise no_permission(
                "You do not have permission to perform this action on the ad account.",
                subcode=1815694,
            )
        if account["account_status"] == 2:
            raise no_permission("This ad account is disabled and cannot be changed.")

    @property
    def who(self) -> Node:
        """The acting person and app, for the account's activities."""
        person = self.world.nodes[self.viewer.user]
        return {
            "actor_id": person["id"],
            "actor_name": person["name"],
            "application_id": self.world.app_id,
            "application_name": "Leadmetrics (local)",
        }


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is already JSON text."""

    text: str


Handler = Callable[[Call], Any]
ROUTES: dict[tuple[str, str, str], Handler] = {}


def route(method: str, kind: str, edge: str = "") -> Callable[[Handler], Handler]:
    """Register a function for `METHOD /{node of kind}/edge`."""

    def register(handler: Handler) -> Handler:
        ROUTES[method, kind, edge] = handler
        return handler

    return register


def visible_account(call_world: World, viewer: Viewer, account: Node) -> bool:
    """Whether this person, through this app, sees the ad account."""
    if viewer.accounts is not None and account["id"] not in viewer.accounts:
        return False
    return bool(viewer.user) and account["id"] in call_world.nodes[viewer.user]["_accounts"]


def require_visible(world: World, viewer: Viewer, node: Node) -> None:
    """Refuse with 100/33 whatever the person cannot see."""
    if node["_kind"] == "User":
        seen = viewer.user in ("", node["id"])  # the app itself got this far only to let go
    elif node["_kind"] == "Page":
        seen = bool(viewer.user) and node["id"] in world.nodes[viewer.user]["_pages"]
    elif node["_kind"] in ("Business", "IGUser"):
        seen = bool(viewer.user)
    else:
        seen = visible_account(world, viewer, world.account(node["account_id"]))
    if not seen:
        raise missing(node["id"])
