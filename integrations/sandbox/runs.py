"""Asynchronous insights: a run moves one step each time it is looked at (fact sheet 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.sandbox import nodes
from integrations.sandbox.errors import GraphError, missing
from integrations.sandbox.insights import READ, Query, answer
from integrations.sandbox.params import check
from integrations.sandbox.routes import Call, Raw, route
from integrations.sandbox.schema import PARAMS
from integrations.sandbox.seed import Node

DAYS_KEPT = 30
_STEPS = (("Job Not Started", 0), ("Job Started", 0), ("Job Running", 45), ("Job Completed", 100))
_FAILED: Node = {
    "async_status": "Job Failed",
    "async_percent_completion": 0,
    "error_code": -2,
    "error_subcode": 2490547,
    "error_message": "The report failed. Please submit it again.",
    "error_user_title": "Report failed",
    "error_user_msg": "The report could not be made.",
}


@route("POST", "AdAccount", "insights")
@route("POST", "Campaign", "insights")
@route("POST", "AdSet", "insights")
@route("POST", "Ad", "insights")
def post_insights(call: Call) -> Any:
    """Start a run; the query is checked at once."""
    call.viewer.require(*READ)
    Query(call)
    account = call.node["account_id"]
    run = {
        "_kind": "AdReportRun",
        "id": call.world.new_id(),
        "account_id": account,
        "time_ref": int(call.world.now()),
        "_created": int(call.world.now()),
        "_step": 0,
        "_object": call.node["id"],
        "_query": _query(call.raw),
        "_mode": call.world.setting("async_reports"),
    }
    call.world.save(run)
    return {"report_run_id": run["id"]}


def _query(raw: Mapping[str, str]) -> dict[str, str]:
    hidden = ("access_token", "appsecret_proof", "limit", "after", "before")
    return {name: value for name, value in raw.items() if name not in hidden}


@route("GET", "AdReportRun")
def get_run(call: Call) -> Any:
    """The state, and one step forward for the next look."""
    call.viewer.require(*READ)
    run = _alive(call)
    step = min(run["_step"] + 1, len(_STEPS) - 1)
    call.world.save({**run, "_step": step})
    return nodes.read(call, _state(call, run), call.fields, "AdReportRunDefault")


def _alive(call: Call) -> Node:
    if call.world.now() - call.node["_created"] > DAYS_KEPT * 86_400:
        raise missing(call.node["id"])
    return call.node


def _state(call: Call, run: Node) -> Node:
    name, percent = _STEPS[run["_step"]]
    shown = {**run, "async_status": name, "async_percent_completion": percent, "is_running": True}
    if percent == 100:
        shown |= {"time_completed": int(call.world.now()), "is_running": False}
    if run["_step"] >= 2 and run["_mode"] == "fail":
        shown |= _FAILED
    if run["_step"] >= 2 and run["_mode"] == "skip":
        shown |= {"async_status": "Job Skipped", "async_percent_completion": 0}
    return shown


@route("GET", "AdReportRun", "insights")
def get_run_rows(call: Call) -> Raw:
    """The rows of a completed run, paged like any edge; only paging may be asked here."""
    call.viewer.require(*READ)
    run = _alive(call)
    if _state(call, run)["async_status"] != "Job Completed":
        raise GraphError(100, "(#100) The report run is not completed.")
    target = call.world.nodes[run["_object"]]
    raw = {**run["_query"], **{k: v for k, v in call.raw.items() if k in ("limit", "after")}}
    params = check(raw, PARAMS[f"{target['_kind']} GET insights"])
    return answer(replace(call, node=target, raw=raw, params=params), call)
