"""What happened to an ad, in words, newest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_format

from approvals.diff import FieldChange, diff_copy
from approvals.models import AdVariant, Comment, Decision, Push, PushStep, VariantRevision
from approvals.rules import copy_of
from approvals.states import PushState, StepState
from leadmetrics.audit.models import AuditEntry

_HASH_SHOWN = 12

_DONE = {
    PushStep.Kind.IMAGE: "Image uploaded",
    PushStep.Kind.CREATIVE: "Ad creative created",
    PushStep.Kind.AD: "Ad created, paused",
    PushStep.Kind.PAUSE: "Ad ran unasked, paused",
}
_OUTCOMES = {
    StepState.SENT: ("send", "info", "sent, no answer yet"),
    StepState.REFUSED: ("x", "bad", "refused by Meta"),
    StepState.UNKNOWN: ("circle-help", "warn", "sent, Meta gave no answer"),
    StepState.ABSENT: ("circle-dashed", "warn", "sent, proved not to have arrived"),
}
# verdict: (icon, tone, what the person did to a version)
_VERDICTS = {
    Decision.Verdict.APPROVED: ("check", "good", "Approved: version {}"),
    Decision.Verdict.REJECTED: ("x", "bad", "Rejected: version {}"),
    Decision.Verdict.CHANGES: ("message-square", "", "Changes asked for: version {}"),
    Decision.Verdict.UNDONE: ("undo-2", "", "Decision taken back: version {}"),
}
_REFUSALS = {
    "refused_by_meta": "Meta does not accept the content or a setting.",
    "permission_missing": "The connected person may not do this.",
    "needs_reconnect": "Facebook no longer accepts the connection.",
    "meta_throttled": "Meta asked to wait.",
    "meta_unavailable": "Meta could not do it just then.",
    "app_misconfigured": "Meta does not accept the app's settings.",
    "api_version_expired": "This version of Meta's API has ended.",
    "needs_someone": "Meta stopped this kind of action for now.",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line, in the shape of components/_timeline.html."""

    icon: str
    tone: str
    title: str
    when: datetime
    who: str = ""
    detail: str = ""
    changes: tuple[FieldChange, ...] = ()
    has_new_image: bool = False


def timeline(
    variant: AdVariant,
    revisions: Iterable[VariantRevision],
    decisions: Iterable[Decision],
    pushes: Iterable[Push] = (),
    acts: Iterable[AuditEntry] = (),
    comments: Iterable[Comment] = (),
) -> list[Event]:
    """Versions, verdicts, every outward write with how it ended, and the proof, newest first.

    ``acts`` are the audit lines of whatever else was done, the actions in ACTS. The oldest of
    ``revisions`` only says what the next one changed, unless it is the first of all.
    """
    events = [
        *_versions(sorted(revisions, key=lambda one: one.number), variant),
        *map(_verdict, decisions),
        *(event for push in pushes for event in _of_push(push)),
        *(_act(entry, ZoneInfo(variant.tenant.timezone)) for entry in acts),
        *map(said, comments),
    ]
    return sorted(events, key=lambda event: event.when, reverse=True)


# action in the audit log: (icon, tone, what happened)
ACTS = {
    "variant.deferred": ("clock", "", "Put off"),
    "variant.withdrawn": ("archive-restore", "", "Withdrawn"),
    "variant.expired": ("clock", "warn", "Expired, not decided"),
    "variant.reopened": ("inbox", "", "Put back into the queue"),
    "variant.returned_to_review": ("undo-2", "", "Returned to review"),
    "push.not_held": ("send", "", "Sent without waiting for the time to undo"),
    "push.needs_someone": ("triangle-alert", "warn", "Not sent: needs someone"),
    "push.released": ("refresh-cw", "", "Sending tried again"),
    "push.found_again": ("search", "good", "Found at Meta again"),
    "ad.activation_asked": ("power", "info", "Switching on asked for"),
    "ad.activated": ("power", "good", "Switched on"),
    "ad.activation_refused": ("triangle-alert", "warn", "Not switched on"),
    "ad.pause_asked": ("circle-pause", "", "Pausing asked for"),
    "ad.paused": ("circle-pause", "", "Paused"),
    "ad.paused_outside": ("circle-pause", "warn", "Found no longer switched on at Meta"),
    "ad.on_outside": ("power", "warn", "Found switched on in Ads Manager"),
    "ad.differs": ("triangle-alert", "bad", "Found changed at Meta"),
    "ad.equal_again": ("shield-check", "good", "Found as approved again"),
    "ad.refused_in_review": ("ban", "bad", "Refused in Meta's ad review"),
    "ad.refusal_lifted": ("check", "good", "Allowed by Meta after all"),
    "ad.support_looked": ("refresh-cw", "", "Read again at Meta"),
    "ad.support_released": ("send", "", "Released by support"),
    "ad.support_handed_back": ("undo-2", "", "Handed back to review by support"),
}


def said(comment: Comment) -> Event:
    quote = f"“{comment.words}”" if comment.words else ""
    return Event(
        icon="message-square",
        tone="",
        title=f"Comment {comment.number}: version {comment.revision.number}",
        when=comment.created_at,
        who=comment.author.name,
        detail=" · ".join(filter(None, [quote, comment.text])),
    )


def _act(entry: AuditEntry, zone: ZoneInfo) -> Event:
    icon, tone, title = ACTS[entry.action]
    data = entry.data
    until = datetime.fromisoformat(data["until"]).astimezone(zone) if "until" in data else None
    notes = [
        f"Until {date_format(until, 'j M, H:i')}" if until else "",
        f"By {data['changed_by']}" if data.get("changed_by") else "",
        data.get("differences", ""),
        data.get("problem", ""),
        data.get("budget", ""),
        ", ".join(data.get("policies", ())),
        data.get("reason", ""),
        f"Text equal to what was approved, {short(data['live_hash'])}"
        if data.get("live_hash")
        else "",
    ]
    detail = " · ".join(filter(None, notes))
    return Event(icon, tone, title, entry.at, who=entry.actor_label, detail=detail)


def short(content_hash: str) -> str:
    """The beginning of a hash, enough to compare two by eye."""
    return content_hash[:_HASH_SHOWN]


def changes_between(before: VariantRevision, after: VariantRevision) -> tuple[FieldChange, ...]:
    """The words that differ between two versions."""
    return diff_copy(copy_of(before), copy_of(after))


def _versions(oldest_first: Sequence[VariantRevision], variant: AdVariant) -> Iterator[Event]:
    if oldest_first and oldest_first[0].number == 1:
        yield _version(oldest_first[0], variant, None)
    for before, revision in pairwise(oldest_first):
        yield _version(revision, variant, before)


def _version(
    revision: VariantRevision, variant: AdVariant, before: VariantRevision | None
) -> Event:
    source = None if before else variant.proposal
    parts = [f"Model {source.model}", f"run {source.run_id}"] if source and source.run_id else []
    return Event(
        icon="bot" if revision.author_kind == "agent" else "pencil",
        tone="info" if before else "",
        title=f"Edited: version {revision.number}" if before else "Proposed",
        when=revision.created_at,
        who=revision.author_label,
        detail=", ".join(parts),
        changes=changes_between(before, revision) if before else (),
        has_new_image=before is not None and before.image_id != revision.image_id,
    )


def _verdict(decision: Decision) -> Event:
    is_yes = decision.verdict == Decision.Verdict.APPROVED
    icon, tone, title = _VERDICTS[Decision.Verdict(decision.verdict)]
    notes = [
        decision.get_reason_code_display(),
        decision.comment,
        "Own version: this workspace allows that." if decision.reviewer_was_author else "",
        f"Content {short(decision.content_hash)}" if is_yes else "",
    ]
    return Event(
        icon=icon,
        tone=tone,
        title=title.format(decision.revision.number),
        when=decision.created_at,
        who=decision.reviewer.name,
        detail=" · ".join(filter(None, notes)),
    )


def _of_push(push: Push) -> Iterator[Event]:
    for step in push.steps.all():
        yield _step(step)
        if step.looked_up_at:
            yield _lookups(step)
    if push.finished_at and push.state == PushState.VOIDED:
        yield Event("undo-2", "", "Approval taken back, nothing was sent", push.finished_at)
    elif push.finished_at and push.read_back:
        yield _proof(push, push.finished_at)


def _step(step: PushStep) -> Event:
    kind, state = PushStep.Kind(step.kind), StepState(step.state)
    when = step.finished_at or step.sent_at
    if state == StepState.DONE:
        detail = f"ID {step.object_id}" if kind != PushStep.Kind.IMAGE else ""
        return Event("check", "good", _DONE[kind], when, detail=detail)
    icon, tone, words = _OUTCOMES[state]
    detail = _REFUSALS.get(step.error_code, "") if state == StepState.REFUSED else ""
    return Event(icon, tone, f"{kind.label}: {words}", when, detail=detail)


def _lookups(step: PushStep) -> Event:
    times = "once" if step.empty_lookups == 1 else f"{step.empty_lookups} times"
    title = f"Looked up at Meta {times}: not there"
    assert step.looked_up_at is not None
    return Event("search", "warn", title, step.looked_up_at)


def _proof(push: Push, when: datetime) -> Event:
    assert push.read_back is not None
    approved, found = push.payload_hash, push.read_back["content_hash"]
    # Whatever differed more than that has stopped the push when it was read back.
    spelt = "" if found == approved else ", which writes white space or emoji in another way"
    return Event(
        "shield-check",
        "good",
        f"Meta reports {push.read_back['configured_status']}, text equal to what was approved",
        when,
        detail=f"Content approved {short(approved)}, at Meta {short(found)}{spelt}",
    )
