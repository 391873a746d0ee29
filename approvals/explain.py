"""Where an approved ad is: one word, one cause, one next step, one owner. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from approvals.causes import CAUSES, OF_PROBLEM
from approvals.comparison import in_words
from approvals.models import AdVariant, LiveAd, Push
from approvals.selectors.sending import shown_stop
from approvals.states import PushState, VariantStatus

# How long after its time an approved ad may wait before somebody should look at the worker.
SILENCE = timedelta(minutes=5)
# An ad is looked at once a day; after this its last look says too little.
STALE = timedelta(hours=26)
_SOMEBODY = "somebody"

V = VariantStatus
# The status a filter of the ads page stands for: (the one plain word, tone, icon).
WORDS = {
    status: (cause.word, cause.tone, cause.icon)
    for status, cause in {
        V.PROPOSED: CAUSES["in_review"],
        V.REJECTED: CAUSES["rejected"],
        V.CHANGES_REQUESTED: CAUSES["changes_asked_for"],
        V.WITHDRAWN: CAUSES["withdrawn"],
        V.EXPIRED: CAUSES["expired"],
        V.APPROVED: CAUSES["waiting_for_worker"],
        V.PUSHING: CAUSES["being_sent"],
        V.PUSH_UNKNOWN: CAUSES["being_looked_up"],
        V.PUSH_FAILED: CAUSES["needs_a_look"],
        V.PAUSED: CAUSES["not_switched_on"],
        V.ACTIVATING: CAUSES["switching_on"],
        V.ACTIVE: CAUSES["live"],
        V.PAUSING: CAUSES["being_paused"],
        V.META_REFUSED: CAUSES["refused_in_review"],
    }.items()
}
# Causes for which an approved ad waits without anybody having to act on it first.
_BY_ITSELF = ("meta_asks_to_wait", "meta_away")
_WAITS = (*_BY_ITSELF, "no_connection", "writes_stopped")
_PLAIN = {
    V.PROPOSED: "in_review",
    V.REJECTED: "rejected",
    V.CHANGES_REQUESTED: "changes_asked_for",
    V.WITHDRAWN: "withdrawn",
    V.EXPIRED: "expired",
    V.PUSHING: "being_sent",
    V.PUSH_UNKNOWN: "being_looked_up",
    V.META_REFUSED: "refused_in_review",
}
# Meta's effective status of a switched-on ad that does not run, to its cause.
_OF_STATUS = {
    "ACTIVE": "live",
    "PENDING_REVIEW": "meta_reviews",
    "IN_PROCESS": "meta_reviews",
    "PREAPPROVED": "meta_reviews",
    "DISAPPROVED": "refused_in_review",
    "PENDING_BILLING_INFO": "unpaid",
    "WITH_ISSUES": "issues",
    "CAMPAIGN_PAUSED": "campaign_off",
    "ADSET_PAUSED": "ad_set_off",
    "PAUSED": "paused_outside",
    "ARCHIVED": "gone_at_meta",
    "DELETED": "gone_at_meta",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The part of an ad account that decides whether ads can run."""

    name: str
    can_run_ads: bool
    status: str


@dataclass(frozen=True, slots=True)
class Where:
    """``tone`` is good, info, warn, bad or neutral; without an ``owner`` nobody needs to act."""

    code: str
    word: str
    tone: str
    icon: str
    cause: str
    next_step: str
    owner: str


def where_of(variant: AdVariant, push: Push | None) -> Where:
    """Where a variant with this current push is; its target must be loaded."""
    account = variant.target.ad_account
    return where_is(
        variant.status,
        push,
        live=getattr(push, "live", None) if push else None,
        account=Account(account.name, account.can_run_ads, account.status_label.lower()),
        zone=ZoneInfo(variant.tenant.timezone),
        stop=shown_stop(variant.tenant_id) if variant.status == V.APPROVED else None,
    )


def where_is(
    status: str,
    push: Push | None,
    *,
    live: LiveAd | None = None,
    account: Account | None = None,
    zone: ZoneInfo | None = None,
    stop: Mapping[str, object] | None = None,
    now: datetime | None = None,
) -> Where:
    """The one cause that explains a variant's status, from what is stored of it.

    ``stop`` is what ``shown_stop`` says: who stopped sending, or that the database was restored.
    """
    now = now or timezone.now()
    known = V(status)
    problem = push.problem if push else ""
    if known == V.PUSH_FAILED:
        code = OF_PROBLEM.get(push.problem_code, "") if push else ""
        return _where("needs_a_look" if code in ("", *_BY_ITSELF) else code, known, problem)
    if known == V.APPROVED:
        return _waiting(push, stop, zone, now)
    if known == V.PUSH_UNKNOWN and push and problem:
        code = OF_PROBLEM.get(push.problem_code, "")
        if code in ("no_connection", "meta_asks_to_wait"):
            return _where(code, known, problem)
    if known == V.PUSHING and push and push.lease_until and now - push.lease_until > SILENCE:
        minutes = str(int((now - push.lease_until).total_seconds() // 60))
        return _where("worker_silent", known, facts={"minutes": minutes})
    if known in _PLAIN:
        return _where(_PLAIN[known], known)
    return _at_meta(known, live, account, zone, now)


def is_held(push: Push, now: datetime | None = None) -> bool:
    """Whether the approval can still be undone, so that nothing is sent yet."""
    not_before = push.not_before
    is_waiting = push.state == PushState.WAITING
    return is_waiting and not_before is not None and not_before > (now or timezone.now())


def _waiting(
    push: Push | None, stop: Mapping[str, object] | None, zone: ZoneInfo | None, now: datetime
) -> Where:
    """An approved ad that is not at Meta yet."""
    if push is None:
        return _where("waiting_for_worker", V.APPROVED)
    due = push.next_attempt_at or push.created_at
    if is_held(push, now):
        return _where(
            "can_be_undone", V.APPROVED, facts={"when": _clock(push.not_before, zone, now)}
        )
    if stop is not None:
        return _stopped(stop)
    if push.not_before is not None:
        due = max(due, push.not_before)
    if push.problem and push.state in (PushState.WAITING, PushState.UNKNOWN):
        code = OF_PROBLEM.get(push.problem_code, "")
        if code not in _WAITS:
            code = "held"
        return _where(code, V.APPROVED, push.problem)
    if due and due > now:
        return _where("not_due_yet", V.APPROVED, facts={"when": _clock(due, zone, now)})
    if due and now - due > SILENCE:
        minutes = str(int((now - due).total_seconds() // 60))
        return _where("worker_silent", V.APPROVED, facts={"minutes": minutes})
    return _where("waiting_for_worker", V.APPROVED)


def _stopped(stop: Mapping[str, object]) -> Where:
    """An approved ad while nothing is sent, here or everywhere."""
    if not stop["stopped_by"]:
        return _where("restored", V.APPROVED, str(stop["reason"]))
    code = "writes_stopped" if stop["tenant_id"] else "writes_stopped_everywhere"
    words = f"{stop['stopped_by']} stopped sending: “{stop['reason']}”"
    return _where(code, V.APPROVED, words)


def _at_meta(
    known: VariantStatus,
    live: LiveAd | None,
    account: Account | None,
    zone: ZoneInfo | None,
    now: datetime,
) -> Where:
    """An ad that exists at Meta."""
    if known in (V.ACTIVATING, V.PAUSING):
        return _acting(known, live)
    code = _cause_at_meta(known, live, account, now)
    facts = _facts(code, live, account, zone, now)
    return _where(code, known, live.act_problem if live else "", facts)


def _acting(known: VariantStatus, live: LiveAd | None) -> Where:
    problem, code = (live.act_problem, live.act_problem_code) if live else ("", "")
    if problem and OF_PROBLEM.get(code) == "no_connection":
        return _where("no_connection", known, problem)
    if known == V.PAUSING:
        return _where("being_paused", known)
    return _where("switching_on_waits" if problem else "switching_on", known, problem)


def _cause_at_meta(
    known: VariantStatus, live: LiveAd | None, account: Account | None, now: datetime
) -> str:
    is_on = known == V.ACTIVE
    if live is None:
        return "live" if is_on else "not_switched_on"
    seen_at = max(filter(None, (live.checked_at, live.activated_at)), default=None)
    is_known = live.effective_status in _OF_STATUS or not live.effective_status
    if live.failed_checks and (seen_at is None or now - seen_at > STALE):
        return "no_connection" if _lost(live) else "unknown"
    if not is_known or (seen_at is not None and now - seen_at > STALE):
        return "unknown"
    if live.configured_status in ("ARCHIVED", "DELETED"):
        return "gone_at_meta"
    if live.differences:
        return "changed_at_meta"
    if account is not None and not account.can_run_ads:
        return "account_stopped"
    return _running(live, now) if is_on else _standing(live)


def _standing(live: LiveAd) -> str:
    """A paused ad."""
    if live.configured_status == "ACTIVE":
        return "on_outside"
    if live.act_problem_code == "paused_outside":
        return "paused_outside"
    if live.act_problem:
        return "switching_on_refused"
    if _OF_STATUS.get(live.effective_status) == "meta_reviews":
        return "meta_reviews"
    return "not_switched_on"


def _running(live: LiveAd, now: datetime) -> str:
    """A switched-on ad."""
    code = _OF_STATUS.get(live.effective_status, "live")
    is_older = live.checked_at is None or (
        live.activated_at is not None and live.checked_at < live.activated_at
    )
    if is_older and code != "meta_reviews":
        code = "live"  # the last look was before it was switched on
    starts, ends = (_moment(live.plan.get(name, "")) for name in ("starts_at", "ends_at"))
    if code == "live" and starts and starts > now:
        return "not_started"
    return "over" if code == "live" and ends and ends < now else code


def _facts(
    code: str,
    live: LiveAd | None,
    account: Account | None,
    zone: ZoneInfo | None,
    now: datetime,
) -> Mapping[str, str]:
    """What fills the braces of a cause's words."""
    if live is None:
        return {}
    who = next((change["who"] for change in live.changes if change["who"]), _SOMEBODY)
    match code:
        case "changed_at_meta":
            return {"what": in_words(live.differences), "who": who}
        case "gone_at_meta":
            return {"status": (live.configured_status or live.effective_status).lower()}
        case "account_stopped" if account:
            return {"account": account.name, "status": account.status}
        case "issues":
            found = [issue["summary"] or issue["message"] for issue in live.issues]
            return {"what": "; ".join(filter(None, found)) or "it does not say what."}
        case "not_started" | "over":
            moment = _moment(live.plan["starts_at" if code == "not_started" else "ends_at"])
            return {"when": _clock(moment, zone, now)}
        case "unknown":
            return {"when": _clock(live.checked_at, zone, now)}
    return {"who": who}


def _where(
    code: str,
    known: VariantStatus,
    stored: str = "",
    facts: Mapping[str, str] | None = None,
) -> Where:
    """The row of the table, its braces filled, its word fitting the state it stands for."""
    cause = CAUSES[code]
    words = cause.words.format_map({"when": "", "who": _SOMEBODY, **(facts or {})}) or stored
    word, tone, icon = cause.word, cause.tone, cause.icon
    if code == "no_connection":
        word, _, icon = WORDS[known]
        words = stored or "The Facebook connection cannot be used just now, so it cannot be read."
    return Where(code, word, tone, icon, words, cause.next_step, cause.owner)


def _lost(live: LiveAd) -> bool:
    return OF_PROBLEM.get(live.failed_code) == "no_connection"


def _clock(when: datetime | None, zone: ZoneInfo | None, now: datetime) -> str:
    """HH:MM, with the day unless it is today; "never" without a time."""
    if when is None:
        return "never"
    local, today = timezone.localtime(when, zone), timezone.localtime(now, zone)
    clock = f"{local:%H:%M}"
    return clock if local.date() == today.date() else f"{local.day} {local:%b}, {clock}"


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
