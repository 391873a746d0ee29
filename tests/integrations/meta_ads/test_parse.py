"""Reading single values: what is let in and what is Unreadable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integrations.meta_ads import parse
from integrations.meta_ads.errors import Unreadable


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (parse.read_int, "18234", 18234),
        (parse.read_int, -1, -1),
        (parse.read_int, None, None),
        (parse.read_code, 471, 471),
        (parse.read_decimal, "96.37", Decimal("96.37")),
        (parse.read_decimal, "1.0E-5", Decimal("0.000010")),
        (parse.read_decimal, 7, Decimal(7)),
        (parse.read_decimal, Decimal("0.5"), Decimal("0.5")),
        (parse.read_decimal, None, None),
        (parse.read_day, "2026-09-01", date(2026, 9, 1)),
        (parse.read_moment, 1790000000, datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)),
        (parse.read_moment, 0, None),
        (parse.read_id, "120210000000000077", "120210000000000077"),
        (parse.read_optional_id, None, ""),
        (parse.read_text, None, ""),
        (parse.read_text, "Größer 👋", "Größer 👋"),
        (parse.read_text, "a\x00b\ud800c", "a\ufffdb\ufffdc"),
        (parse.read_name, "n" * 500, "n" * 400),
    ],
)
def test_value_is_read(read, value, expected):
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *(
            (parse.read_int, v)
            for v in ("", " 1", "1_0", "１２", "1.0", "9" * 19, 2**63, True, 1.5, [])
        ),
        *((parse.read_code, v) for v in ("2147483648", 2**31, "x")),
        *(
            (parse.read_decimal, v)
            for v in ("NaN", "Infinity", "1e999", "1_0", " 1", "", "1000000000000", True, [], {})
        ),
        (parse.read_decimal, Decimal("NaN")),
        (parse.read_decimal, Decimal("1E+99999")),
        *((parse.read_day, v) for v in ("20260901", "2026-W36-2", "2026-13-01", "", None, 1)),
        *((parse.read_moment, v) for v in (2**62, -(2**62), "soon")),
        *((parse.read_id, v) for v in ("", "12a", "１２", "1" * 33, 12, None, "../me")),
        (parse.read_text, 5),
        (parse.read_text, "x" * 10_001),
        (parse.read_object, []),
        (parse.read_list, {}),
    ],
)
def test_what_is_not_as_promised_is_unreadable(read, value):
    with pytest.raises(Unreadable):
        read(value)
