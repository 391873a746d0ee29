"""Which version answers a call: alive, upgraded with a warning, or refused (fact sheet 1)."""

from __future__ import annotations

import re

from integrations.sandbox.errors import GraphError
from integrations.sandbox.schema import VERSIONS
from integrations.sandbox.world import World

_VERSION = re.compile(r"v\d+\.\d+")
_CORE_KINDS = frozenset({"Page", "User", "IGUser", "Business"})
_MARKETING_EDGES = frozenset({"adaccounts"})


def split_version(path: str) -> tuple[str, list[str]]:
    """The version, "" without one, and the other segments; empty segments do not count."""
    segments = [segment for segment in path.split("/") if segment]
    if segments and _VERSION.fullmatch(segments[0]):
        return segments[0], segments[1:]
    return "", segments


def is_marketing(world: World, segments: list[str]) -> bool:
    """Whether a path belongs to the Marketing API, which has its own calendar."""
    if not segments or segments[0] in ("oauth", "debug_token"):
        return False
    if segments[-1] in _MARKETING_EDGES:
        return True
    kind = world.nodes.get(segments[0], {}).get("_kind")
    return segments[0] != "me" and kind not in _CORE_KINDS


def serve_as(
    world: World, version: str, segments: list[str], default: str
) -> tuple[str, list[tuple[str, str]]]:
    """The version that really answers and the headers that say so. Raises 2635 for a dead one."""
    marketing = is_marketing(world, segments)
    if not version:
        if marketing:
            raise _dead(default)
        return default, []
    if version not in VERSIONS:
        raise GraphError(2500, f"Unknown API version {version}.")
    if _alive(world, version, marketing):
        return version, []
    upgradable = world.setting("auto_upgrade")
    if "*" in upgradable or segments[-1] in upgradable:
        served = next(v for v in VERSIONS if v > version and _alive(world, v, marketing))
        text = (
            f"The call was made with {version}, which is deprecated, and was answered by {served}."
        )
        return served, [("x-ad-api-version-warning", text)]
    raise _dead(default)


def _alive(world: World, version: str, marketing: bool) -> bool:
    end = VERSIONS[version][1 if marketing else 0]
    return end is None or world.today().isoformat() < end


def _dead(current: str) -> GraphError:
    return GraphError(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. Please update to the "
        f"latest version: {current}.",
    )
