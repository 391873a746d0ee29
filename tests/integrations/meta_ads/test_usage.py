"""Usage headers: percentages, minutes and seconds, and nonsense."""

from __future__ import annotations

import json

import pytest

from integrations.meta_ads.types import UsageSnapshot
from integrations.meta_ads.usage import read_usage

INSIGHTS = {
    "type": "ads_insights",
    "call_count": 104,
    "total_cputime": 9,
    "total_time": 11,
    "estimated_time_to_regain_access": 17,
}
MANAGEMENT = {"type": "ads_management", "call_count": 88, "estimated_time_to_regain_access": 0}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-app-usage": {"call_count": 41, "total_time": 12, "total_cputime": 7}}, (41, 0)),
        ({"x-ad-account-usage": {"acc_id_util_pct": 63.5, "reset_time_duration": 240}}, (63.5, 0)),
        ({"x-ad-account-usage": {"acc_id_util_pct": 100, "reset_time_duration": 240}}, (100, 240)),
        ({"x-business-use-case-usage": {"333": [MANAGEMENT, INSIGHTS]}}, (104, 17 * 60)),
        ({"x-business-use-case": {"333": [MANAGEMENT]}}, (88, 0)),
        (
            {"x-fb-ads-insights-throttle": {"app_id_util_pct": 72.4, "acc_id_util_pct": 18}},
            (72.4, 0),
        ),
        (
            {"x-app-usage": {"call_count": 3}, "x-business-use-case-usage": {"3": [INSIGHTS]}},
            (104, 17 * 60),
        ),
    ],
)
def test_worst_figure_of_all_headers_counts(headers, expected):
    texts = {name: json.dumps(value) for name, value in headers.items()}
    assert read_usage(texts) == UsageSnapshot(*expected)


@pytest.mark.parametrize("headers", [{}, {"x-app-usage": ""}, {"x-app-usage": "{}"[:1]}])
def test_no_header_means_nothing(headers):
    assert read_usage(headers) is None


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '{"call_count": NaN}',
        '{"call_count": Infinity}',
        '{"call_count": -5}',
        '{"call_count": 1e999}',
        '{"call_count": ' + "9" * 400 + "}",
        '{"call_count": ' + "9" * 5000 + "}",
        '{"call_count": true}',
        '{"call_count": "many"}',
        '{"333": [1, null, {"estimated_time_to_regain_access": {}}]}',
        "[" * 60_000,
    ],
)
def test_nonsense_in_a_header_counts_as_nothing_used(text):
    assert read_usage({"x-app-usage": text}) in (None, UsageSnapshot(0.0, 0.0))
