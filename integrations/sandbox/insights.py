"""`/insights` of accounts, campaigns, ad sets and ads, one page at a time (fact sheet 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sandbox import faults, metrics
from integrations.sandbox.breakdowns import combinations
from integrations.sandbox.errors import GraphError, invalid
from integrations.sandbox.metrics import Day, Metrics
from integrations.sandbox.narrowing import narrow, sort_key
from integrations.sandbox.paging import (
    START,
    decode_cursor,
    dumps,
    encode_cursor,
    next_url,
    same_place,
)
from integrations.sandbox.params import page_limit
from integrations.sandbox.periods import months_back, periods
from integrations.sandbox.routes import Call, Raw, route
from integrations.sandbox.rows import RowWriter
from integrations.sandbox.seed import Node
from integrations.sandbox.units import LEVEL_OF, LEVELS, Unit, units
from integrations.sandbox.world import World

MOST_PER_PAGE = 1000
MOST_ROWS = 250_000
REACH_MONTHS = 13
READ = ("ads_read", "ads_management")

Place = tuple[int, int, int]


class Query:
    """A checked query: its objects, row groups, breakdowns and writer."""

    def __init__(self, call: Call) -> None:
        params, world, target = call.params, call.world, call.node
        account = target if target["_kind"] == "AdAccount" else world.account(target["account_id"])
        own = LEVEL_OF[target["_kind"]]
        level = params.get("level", own)
        if LEVELS.index(level) < LEVELS.index(own):
            raise GraphError(1, "An unknown error occurred", subcode=99, status=500)
        now = world.local_now(account)
        spans = periods(params, now.date())
        self.texts, self.weights = combinations(params.get("breakdowns", []))
        names = [item.name for item in call.fields]
        if self.texts != [""] and spans[0][0] < months_back(now.date(), REACH_MONTHS):
            names = [
                name
                for name in names or ("impressions", "spend")
                if name not in ("reach", "frequency", "cpp")
            ]
        self.writer = RowWriter(account, names, level, params.get("action_attribution_windows", ()))
        found, self.keep = narrow(call, level, params.get("filtering", ()))
        self.units = found
        # A quarter of an hour at a time, as Meta refreshes.
        portion = (now.hour * 60 + now.minute) // 15 * 15 * 1000 // 1440
        self.groups = [
            (first.isoformat(), last.isoformat(), metrics.days(first, last, now.date(), portion))
            for first, last in spans
        ]
        if len(self.units) * len(self.groups) * len(self.texts) > MOST_ROWS:
            raise invalid("The query asks for more data than one call can return.", subcode=1487534)

    def row(self, place: Place) -> Metrics | None:
        """The numbers at a place, None where nothing was delivered."""
        unit, (_, _, days) = self.units[place[0]], self.groups[place[1]]
        row = _over(unit, days)
        if row and len(self.texts) > 1:
            row = metrics.share(row, place[2], self.weights)
        return row if row and self.keep(row) else None

    def places(self, start: Place) -> Iterator[Place]:
        """Every place from `start` on, objects first, then days, then breakdown values."""
        first_unit, first_group, first_text = start
        for unit in range(first_unit, len(self.units)):
            for group in range(first_group, len(self.groups)):
                for text in range(first_text, len(self.texts)):
                    yield unit, group, text
                first_text = 0
            first_group = 0

    def write(self, place: Place, row: Metrics) -> str:
        """The row at a place as JSON text."""
        first, last, _ = self.groups[place[1]]
        return self.writer.write(self.units[place[0]], row, first, last, self.texts[place[2]])


def _over(unit: Unit, days: list[Day]) -> Metrics | None:
    if len(days) == 1:
        return unit.day(days[0])
    return metrics.over_days([row for row in map(unit.day, days) if row])


@route("GET", "AdAccount", "insights")
@route("GET", "Campaign", "insights")
@route("GET", "AdSet", "insights")
@route("GET", "Ad", "insights")
def get_insights(call: Call) -> Raw:
    call.viewer.require(*READ)
    return answer(call)


def answer(call: Call, asked: Call | None = None) -> Raw:
    """One page of rows, with `next` only when there are more.

    `asked` is the call as it came when the query itself was stored earlier (a report run).
    """
    limit = page_limit(call.raw, MOST_PER_PAGE)
    query, start = Query(call), _start(call)
    rows: list[str] = []
    end: Place = (len(query.units), 0, 0)
    more = False
    for cursor, place, row in _found(call, query, start):
        if len(rows) == limit:
            end, more = cursor, True
            break
        rows.append(query.write(place, row))
    after = _cursor(end)
    if faults.take(call.world, "empty_page", call.path, call.method) is not None:
        rows, more, after = [], True, same_place(call)
    parts = [f'{{"data":[{",".join(rows)}]']
    if rows or more:
        cursors = f'"cursors":{{"before":"{_cursor(start)}","after":"{after}"}}'
        link = f',"next":{dumps(next_url(asked or call, after))}' if more else ""
        parts.append(f',"paging":{{{cursors}{link}}}')
    if call.params.get("default_summary") or "summary" in call.params:
        parts.append(f',"summary":{_summary(query)}')
    return Raw("".join(parts) + "}")


def _found(call: Call, query: Query, start: Place) -> Iterator[tuple[Place, Place, Metrics]]:
    """Cursor position, place and numbers of every row from `start` on."""
    if "sort" in call.params:
        for number, (place, row) in enumerate(_sorted(query, call.params["sort"])):
            if number >= start[0]:
                yield (number, 0, 0), place, row
        return
    for place in query.places(start):
        found = query.row(place)
        if found is not None:
            yield place, place, found


def _cursor(place: Place) -> str:
    return encode_cursor(":".join(map(str, place)))


def _start(call: Call) -> Place:
    text = decode_cursor(call.raw["after"]).strip() if call.raw.get("after") else START
    if text == START:
        return (0, 0, 0)
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise invalid("Invalid cursor.", "after")
    unit, group, piece = map(int, parts)
    return unit, group, piece


def _sorted(query: Query, order: list[str]) -> list[tuple[Place, Metrics]]:
    """All rows by one metric, for instance `spend_descending`."""
    key, reverse = sort_key(order)
    rows = [(place, query.row(place)) for place in query.places((0, 0, 0))]
    found = [(place, row) for place, row in rows if row]
    return sorted(found, key=lambda pair: key(pair[1]), reverse=reverse)


def _summary(query: Query) -> str:
    rows = [row for row in map(query.row, query.places((0, 0, 0))) if row]
    if not rows:
        return "{}"
    totals = Metrics(*map(sum, zip(*rows, strict=True)))
    return query.writer.write(query.units[0], totals, query.groups[0][0], query.groups[-1][1])


def ledger(world: World, account: Node, since: date, until: date) -> dict[str, Any]:
    """Exact totals of every campaign's days, archived and deleted ones too; whole and in parts.

    That is what `level=campaign` or `ad`, `time_increment=1` serves when asked for every status.
    Counts are integers, money is decimal text in major units.
    """
    now = world.local_now(account)
    portion = (now.hour * 60 + now.minute) // 15 * 15 * 1000 // 1440
    days = metrics.days(since, until, now.date(), portion)
    writer = RowWriter(account, (), "campaign")
    campaigns, whole, count = {}, [0] * len(Metrics._fields), 0
    for unit in units(world, account, "campaign", hidden_too=True):
        totals, rows = _add_up(unit, days)
        campaigns[unit.node["id"]] = _entry(writer, totals, rows)
        whole = [a + b for a, b in zip(whole, totals, strict=True)]
        count += rows
    ads = {
        unit.node["id"]: {
            **_entry(writer, *_add_up(unit, days)),
            "adset_id": unit.node["adset_id"],
        }
        for unit in units(world, account, "ad", hidden_too=True)
    }
    return {**_entry(writer, whole, count), "campaigns": campaigns, "ads": ads}


def _add_up(unit: Unit, days: Sequence[Day]) -> tuple[list[int], int]:
    rows = [row for row in map(unit.day, days) if row]
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * len(Metrics._fields), len(
        rows
    )


def _entry(writer: RowWriter, totals: list[int], rows: int) -> dict[str, Any]:
    named = Metrics(*totals)
    return {
        "rows": rows,
        "impressions": named.impressions,
        "clicks": named.clicks,
        "inline_link_clicks": named.links,
        "purchases": named.purchases,
        "spend": str(Decimal(writer.money(named.spend))),
        "purchase_value": str(Decimal(writer.money(named.value))),
    }
