"""The geometry of a line chart, worked out on the server. No Django, no markup: numbers to strings.

Across, places are percentages, so that the drawing stretches with the page while its words keep
their size; down, they are pixels. A missing day breaks the line: a gap is never drawn as zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NotRequired, TypedDict

Point = tuple[date, Decimal | None]
Formatter = Callable[[Decimal], str]

PAD_TOP = 12
_FIGURE = re.compile(r"[\d.,]+")
MAX_DAY_LABELS = 6
# So many days may hold a day of the year twice, so years are written.
LONG = 300
EDGE = 97  # per cent across
# A date that ends at the edge needs the room of one and a half, which a phone lacks nearer than so.
NEAR = 26  # per cent across
Y_STEPS = 4
NICE_STEPS = tuple(map(Decimal, ("1", "1.25", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10")))


class Data(TypedDict):
    """The figures as numbers for a script to draw; words and days are in ``ChartDay.text``.

    ``mark`` stands before a figure of the axis, ``unit`` behind it; without a comparison there is
    no ``before``.
    """

    values: list[float | None]
    before: NotRequired[list[float | None]]
    mark: str
    unit: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis: a percentage across, or pixels down."""

    place: str
    label: str
    anchor: str = "middle"
    is_near: bool = False  # so near to the newest day's that a narrow screen has no room for it


@dataclass(frozen=True, slots=True)
class ChartDay:
    """One day to point at: the column it owns, where its dots are, and what it says."""

    left: str
    width: str
    x: str
    y: str  # "" when the day has no figure
    compare_y: str
    text: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """Everything the template draws; ``line`` and ``compare_line`` are SVG paths with gaps.

    Paths live in a box of ``width`` x ``height`` that is stretched to the page. ``is_empty`` means
    that no day has a figure.
    """

    width: int
    height: int
    label: str
    description: str
    line: str
    compare_line: str
    lone_days: tuple[ChartDay, ...]  # figures without a neighbour, which no line can show
    days: tuple[ChartDay, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    is_empty: bool
    data: Data

    @property
    def axis_width(self) -> int:
        """Pixels the longest label of the value axis needs, at 12 px type."""
        return 12 + 7 * max((len(tick.label) for tick in self.y_ticks), default=0)

    @property
    def full_height(self) -> int:
        """Pixels with the row of dates below."""
        return self.height + 24

    @property
    def dates_y(self) -> int:
        """Pixels down to the baseline of the dates."""
        return self.height + 18


def _text(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01')).normalize():f}"


def _day(day: date, *, year: bool = False) -> str:
    return f"{day.day} {day:%b}" + (f" {day.year}" if year else "")


def nice_ceiling(highest: Decimal, *, whole: bool = False) -> Decimal:
    """The smallest round number at or above ``highest`` that four equal steps divide well.

    With ``whole`` the steps are whole numbers, as befits things that are counted.
    """
    if highest <= 0:
        return Decimal(Y_STEPS)
    step = max(highest / Y_STEPS, Decimal(1)) if whole else highest / Y_STEPS
    magnitude = Decimal(1).scaleb(step.adjusted())
    candidates = (nice * magnitude for nice in NICE_STEPS)
    return Y_STEPS * next(c for c in candidates if c >= step and not (whole and c % 1))


def _xs(count: int) -> list[Decimal]:
    """Percentages across: each day in the middle of a column of its own."""
    return [Decimal(100) * (2 * i + 1) / (2 * count) for i in range(count)]


def _path(xs: Sequence[Decimal], ys: Sequence[Decimal | None], width: int) -> str:
    parts: list[str] = []
    pen_down = False
    for x, y in zip(xs, ys, strict=True):
        if y is None:
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{_text(x * width / 100)} {_text(y)}")
        pen_down = True
    return " ".join(parts)


def _x_ticks(days: Sequence[date], xs: Sequence[Decimal]) -> tuple[Tick, ...]:
    """Evenly spaced from the newest day back, so that the newest always has its name."""
    last = len(days) - 1
    every = -(-len(days) // (MAX_DAY_LABELS - 2 if len(days) > LONG else MAX_DAY_LABELS)) or 1
    chosen = sorted(range(last, -1, -every))
    return tuple(
        Tick(
            _text(xs[i]),
            f"{days[i]:%b} ’{days[i]:%y}" if len(days) > LONG else _day(days[i]),
            "end" if xs[i] > EDGE else "middle",  # or its word would leave the card
            i != last and xs[last] > EDGE and xs[last] - xs[i] < NEAR,
        )
        for i in chosen
    )


def _y_ticks(top: Decimal, height: int, formatter: Formatter) -> tuple[Tick, ...]:
    steps = [top * i / Y_STEPS for i in range(Y_STEPS + 1)]
    labels = [formatter(step) for step in steps]
    if all(label.endswith(".00") for label in labels):
        labels = [label.removesuffix(".00") for label in labels]
    places = (height - step / top * (height - PAD_TOP) for step in steps)
    return tuple(Tick(_text(place), words) for place, words in zip(places, labels, strict=True))


def _describe(points: Sequence[Point], label: str, formatter: Formatter) -> str:
    figures = [(day, value) for day, value in points if value is not None]
    if not figures:
        return f"{label}: no figures in this period."
    low, high = min(figures, key=lambda p: p[1]), max(figures, key=lambda p: p[1])
    absent, year = len(points) - len(figures), len(points) > LONG
    gap = f" {absent} of {len(points)} days have no figure." if absent else ""
    return (
        f"{label} by day, {_day(points[0][0], year=year)} to {_day(points[-1][0], year=year)}. "
        f"Lowest {formatter(low[1])} on {_day(low[0], year=year)}, "
        f"highest {formatter(high[1])} on {_day(high[0], year=year)}.{gap}"
    )


def _says(point: Point, other: Point | None, formatter: Formatter, *, year: bool) -> str:
    value = "no figure" if point[1] is None else formatter(point[1])
    before = ""
    if other is not None and other[1] is not None:
        before = f" (before, {_day(other[0], year=year)}: {formatter(other[1])})"
    return f"{_day(point[0], year=year)}: {value}{before}"


def _data(points: Sequence[Point], others: Sequence[Point | None] | None, say: Formatter) -> Data:
    mark, unit = _FIGURE.split(say(Decimal(0)), maxsplit=1)
    data = Data(values=[_number(p[1]) for p in points], mark=mark, unit=unit)
    if others is not None:
        data["before"] = [_number(other[1] if other else None) for other in others]
    return data


def _number(value: Decimal | None) -> float | None:
    """To four digits behind the point, of which no screen shows more."""
    return None if value is None else round(float(value), 4)


def _is_lone(ys: Sequence[Decimal | None], i: int) -> bool:
    left = ys[i - 1] if i else None
    right = ys[i + 1] if i + 1 < len(ys) else None
    return ys[i] is not None and left is None and right is None


def line_chart(
    points: Sequence[Point],
    *,
    compare: Sequence[Point] | None = None,
    width: int = 1000,
    height: int = 200,
    label: str,
    formatter: Formatter,
) -> LineChart:
    """The chart of ``points`` (day by day, oldest first), with ``compare`` day for day behind it.

    ``formatter`` turns a value into words ("€12.50"). Values below zero are drawn at the base
    line. A ``compare`` that is longer is cut, a shorter one ends early.
    """
    others: list[Point | None] = list((compare or ())[: len(points)])
    others += [None] * (len(points) - len(others))
    known = [p[1] for p in (*points, *(o for o in others if o)) if p[1] is not None]
    top = nice_ceiling(max(known, default=Decimal(0)), whole=not any(v % 1 for v in known))
    plot = Decimal(height - PAD_TOP)

    def y_of(value: Decimal | None) -> Decimal | None:
        return None if value is None else height - max(value, Decimal(0)) / top * plot

    xs = _xs(len(points))
    ys = [y_of(value) for _, value in points]
    compare_ys = [y_of(other[1]) if other else None for other in others]
    column = Decimal(100) / max(len(points), 1)
    days = tuple(
        ChartDay(
            left=_text(x - column / 2),
            width=_text(column),
            x=_text(x),
            y="" if y is None else _text(y),
            compare_y="" if compare_y is None else _text(compare_y),
            text=_says(point, other, formatter, year=len(points) > LONG),
        )
        for x, y, compare_y, point, other in zip(xs, ys, compare_ys, points, others, strict=True)
    )
    return LineChart(
        width=width,
        height=height,
        label=label,
        description=_describe(points, label, formatter),
        line=_path(xs, ys, width),
        compare_line=_path(xs, compare_ys, width),
        lone_days=tuple(day for i, day in enumerate(days) if _is_lone(ys, i)),
        days=days,
        x_ticks=_x_ticks([day for day, _ in points], xs),
        y_ticks=_y_ticks(top, height, formatter),
        is_empty=not known,
        data=_data(points, others if compare is not None else None, formatter),
    )
