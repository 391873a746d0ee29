"""Asynchronous insights: Meta prepares the rows of a query that is too large for one answer."""

from __future__ import annotations

from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.insights import build_params
from integrations.meta_ads.parse import Json, read_id, read_int
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, InsightsQuery, ReportState

_GIVEN_UP = ("Job Failed", "Job Skipped")


def start_report(transport: Transport, token: AccessToken, query: InsightsQuery) -> str:
    """Ask Meta to prepare the rows; the report's id. Raises MetaError."""
    # Insights API, Asynchronous Jobs: documented as a number, seen as text as well
    answer = transport.post(f"{query.ad_account_id}/insights", build_params(query), token)
    report_id = answer.get("report_run_id")
    number = isinstance(report_id, int) and not isinstance(report_id, bool)
    return read_id(str(report_id) if number else report_id)


def read_report_state(transport: Transport, token: AccessToken, report_id: str) -> ReportState:
    """How far the report is. It dies after 30 days. Raises MetaError."""
    # Ready only when both say so
    fields = {"fields": "async_status,async_percent_completion"}
    return _parse_state(transport.get(report_id, fields, token))


def _parse_state(answer: Json) -> ReportState:
    status = answer.get("async_status")
    if not isinstance(status, str):
        raise Unreadable
    percent = read_int(answer.get("async_percent_completion"))
    return ReportState(
        is_ready=status == "Job Completed" and percent == 100, has_failed=status in _GIVEN_UP
    )
