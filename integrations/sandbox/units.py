"""Which objects get insight rows at a level, and where each takes its numbers from.

A campaign's numbers are drawn; its ad sets and seed ads are exact shares of them. Ads made
through the API deliver on top, from the day they are ACTIVE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.sandbox import metrics, statuses
from integrations.sandbox.metrics import Day, Metrics
from integrations.sandbox.seed import Node
from integrations.sandbox.world import World

LEVELS = ("account", "campaign", "adset", "ad")
LEVEL_OF = {"AdAccount": "account", "Campaign": "campaign", "AdSet": "adset", "Ad": "ad"}
# The part of its campaign's budget an ad made through the API spends a day, in per cent.
APP_AD_BUDGET = 8

DayRow = Callable[[Day], Metrics | None]


class Unit:
    """One object with its numbers by day and the objects above it."""

    __slots__ = ("ad", "ad_set", "aliases", "campaign", "day", "node")

    def __init__(
        self,
        node: Node,
        day: DayRow,
        campaign: Node | None = None,
        ad_set: Node | None = None,
        ad: Node | None = None,
    ) -> None:
        self.node = node
        self.day = day
        self.campaign = campaign
        self.ad_set = ad_set
        self.ad = ad
        self.aliases = campaign["_aliases"] if campaign else "web"


def units(world: World, target: Node, level: str, *, hidden_too: bool = False) -> list[Unit]:
    """The objects of `level` at or under `target`, oldest first.

    Archived and deleted ones stay out of lists, though their parents' totals hold them; a node
    asked for itself always answers (fact sheet 5.2).
    """
    if level == "account":
        return [_account_unit(world, target)]
    if LEVEL_OF[target["_kind"]] == level:
        return [_unit(world, target)]
    edge = {"campaign": "campaigns", "adset": "adsets", "ad": "ads"}[level]
    return [
        _unit(world, node)
        for node in world.kids(target, edge)
        if hidden_too or node["status"] not in statuses.HIDDEN
    ]


def _unit(world: World, node: Node) -> Unit:
    nodes = world.nodes
    if node["_kind"] == "Campaign":
        return Unit(node, campaign_day(world, node), node)
    if node["_kind"] == "AdSet":
        campaign = nodes[node["campaign_id"]]
        return Unit(node, _ad_set_day(world, node, campaign), campaign, node)
    campaign, ad_set = nodes[node["campaign_id"]], nodes[node["adset_id"]]
    return Unit(node, _ad_day(world, node, ad_set, campaign), campaign, ad_set, node)


def _account_unit(world: World, account: Node) -> Unit:
    parts = [campaign_day(world, campaign) for campaign in world.kids(account, "campaigns")]

    def total(day: Day) -> Metrics | None:
        rows = [row for row in [part(day) for part in parts] if row]
        return Metrics(*map(sum, zip(*rows, strict=True))) if rows else None

    return Unit(account, total)


def _delivers(spans: list[list[int | None]], ordinal: int) -> bool:
    return any(
        first is not None and first <= ordinal and (last is None or ordinal <= last)
        for first, last in spans
    )


def campaign_day(world: World, campaign: Node) -> DayRow:
    """The campaign's row of a day, with the ads made through the API in it."""
    extra = _app_ads(world, campaign)
    own = _own_day(world, campaign)
    if not extra:
        return own

    def with_ads(day: Day) -> Metrics | None:
        row = own(day)
        for part in extra:
            row = metrics.add(row, part(day))
        return row

    return with_ads


def _own_day(world: World, campaign: Node) -> DayRow:
    number, pattern, gap = int(campaign["id"]), tuple(campaign["_pattern"]), campaign["_gap"]
    spans = campaign["_spans"]
    always = spans[0][0] if len(spans) == 1 and spans[0][1] is None else None
    revised = [r for r in world.journal.table("revisions").values() if r["id"] == campaign["id"]]
    draw = metrics.draw

    def row_of(day: Day) -> Metrics | None:
        if day.ordinal < always if always is not None else not _delivers(spans, day.ordinal):
            return None
        row = draw(number, pattern, gap, day)
        for change in revised:
            if row and change["since"] <= day.iso <= change["until"]:
                row = metrics.scale(row, change["percent"], 100)
                if row and not row.purchases:  # what nobody bought was worth nothing
                    row = row._replace(value=0)
        return row

    return row_of


def _app_ads(world: World, parent: Node) -> list[DayRow]:
    ads = world.kids(parent, "ads")
    return [_app_ad_day(world, ad) for ad in ads if ad["_by"] == "app" and ad.get("_spans")]


def _app_ad_day(world: World, ad: Node) -> DayRow:
    number, spans = int(ad["id"]), ad["_spans"]
    daily, *rest = world.nodes[ad["campaign_id"]]["_pattern"]
    pattern: tuple[Any, ...] = (daily * APP_AD_BUDGET // 100, *rest)

    def row_of(day: Day) -> Metrics | None:
        return metrics.draw(number, pattern, 0, day) if _delivers(spans, day.ordinal) else None

    return row_of


def _ad_set_day(world: World, ad_set: Node, campaign: Node, *, seed_only: bool = False) -> DayRow:
    own, (place, weights) = _own_day(world, campaign), ad_set["_share"]
    extra = [] if seed_only else _app_ads(world, ad_set)

    def row_of(day: Day) -> Metrics | None:
        row = own(day)
        row = metrics.share(row, place, weights) if row else None
        for part in extra:
            row = metrics.add(row, part(day))
        return row

    return row_of


def _ad_day(world: World, ad: Node, ad_set: Node, campaign: Node) -> DayRow:
    if ad["_by"] == "app":
        return _app_ad_day(world, ad)
    parent, (place, weights) = _ad_set_day(world, ad_set, campaign, seed_only=True), ad["_share"]

    def row_of(day: Day) -> Metrics | None:
        row = parent(day)
        return metrics.share(row, place, weights) if row else None

    return row_of
