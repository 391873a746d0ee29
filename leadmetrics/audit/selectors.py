"""The audit log in words: one sentence per kind of act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import ActorKind
from leadmetrics.tenancy.models import Tenant

PAGE_SIZE = 50

# action: (icon, tone, what the actor did). {name} and the like come from the entry's data.
SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "proposal.received": ("bot", "", "proposed ad copy: {proposed} taken, {refused} refused"),
    "variant.approved": ("check", "good", "approved version {revision} of {what}"),
    "variant.rejected": ("x", "bad", "rejected version {revision} of {what}"),
    "variant.approved_in_part": (
        "check",
        "info",
        "approved version {revision} of {what}; {needed} people must",
    ),
    "variant.changes_requested": ("message-square", "", "asked for changes to {what}"),
    "variant.commented": ("message-square", "", "commented on {what}"),
    "variant.decision_undone": ("undo-2", "", "took back the verdict “{verdict}” on {what}"),
    "variant.deferred": ("clock", "", "put {what} off until {until}"),
    "variant.expired": ("clock", "warn", "let {what} expire, not decided"),
    "variant.reopened": ("inbox", "", "put {what} back into the queue"),
    "push.not_held": ("send", "", "had {what} sent at once"),
    "variant.revised": ("bot", "info", "sent version {revision} of {what}"),
    "variant.edited": ("pencil", "info", "edited {what}"),
    "variant.returned_to_review": ("undo-2", "", "took {what} back to review"),
    "variant.withdrawn": ("archive-restore", "", "withdrew {what}"),
    "variant.pushed": ("circle-pause", "good", "created {what} at Meta as a paused ad"),
    "push.needs_someone": ("triangle-alert", "warn", "could not send {what} to Meta"),
    "push.found_again": ("search", "good", "found the ad of {what} at Meta: {ad_id}"),
    "push.released": ("send", "", "sent {what} to Meta again"),
    "ad.activation_asked": ("power", "", "asked to switch {what} on"),
    "ad.activated": ("power", "good", "switched {what} on, as {asked_by} had asked"),
    "ad.activation_refused": ("triangle-alert", "warn", "did not switch {what} on"),
    "ad.pause_asked": ("circle-pause", "", "asked to pause {what}"),
    "ad.paused": ("circle-pause", "", "paused {what}"),
    "ad.paused_outside": ("circle-pause", "warn", "found {what} {status_at_meta} at Meta"),
    "ad.on_outside": ("power", "warn", "found {what} switched on in Ads Manager"),
    "ad.differs": ("triangle-alert", "bad", "found {differences} of {what} changed at Meta"),
    "ad.equal_again": ("shield-check", "good", "found {what} as approved again"),
    "ad.refused_in_review": ("ban", "bad", "learned that Meta refused {what}"),
    "ad.refusal_lifted": ("check", "good", "learned that Meta allows {what} after all"),
    "ad.support_looked": ("refresh-cw", "", "had {what} read again at Meta: {reason}"),
    "ad.support_released": ("send", "", "released {what}: {reason}"),
    "ad.support_handed_back": ("undo-2", "", "handed {what} back to review: {reason}"),
    "writes.stopped": ("circle-pause", "warn", "stopped sending to Meta: {reason}"),
    "writes.resumed": ("send", "good", "let sending to Meta go on"),
    "integration.connected": ("plug", "good", "connected the Facebook account of {person}"),
    "integration.reconnected": ("plug", "good", "reconnected the Facebook account of {person}"),
    "integration.disconnected": ("unplug", "warn", "disconnected a Facebook account"),
    "integration.withdrawn": ("unplug", "", "gave back the access of {person} at Facebook"),
    "integration.refreshed": ("refresh-cw", "", "renewed the access to Facebook"),
    "integration.not_extended": ("clock", "warn", "could not extend the access to Facebook"),
    "integration.not_checked": ("clock", "warn", "could not check the access to Facebook"),
    "integration.scopes_lost": ("triangle-alert", "warn", "lost permissions at Facebook"),
    "integration.works_again": ("link", "good", "found the access to Facebook working again"),
    "integration.released": ("send", "good", "let {count} approved ads go on after reconnecting"),
    "integration.deleted_data": ("unplug", "", "deleted a person's Facebook data on request"),
    "integration.lost": ("unplug", "bad", "lost the access to Facebook"),
    "ad_account.enabled": ("power", "good", "chose the ad account {what}"),
    "ad_account.disabled": ("power", "", "stopped using the ad account {what}"),
    "ad_account.handed_over": (
        "plug",
        "good",
        "let the ad account {what} go on with the connection of {to}",
    ),
    "ad_account.not_handed_over": ("clock", "warn", "left the ad account {what} waiting: {reason}"),
    "ad_account.settings": ("settings", "", "changed the settings of the ad account {what}"),
    "target.created": ("plus", "", "made the push target {what}"),
    "target.archived": ("archive-restore", "", "archived the push target {what}"),
    "member.added": ("user", "", "added {name} as {role}"),
    "member.joined": ("user", "good", "joined the workspace"),
    "member.link_renewed": ("link", "", "made a new sign-in link for {name}"),
    "member.role_changed": ("users", "", "changed {name} from {from} to {to}"),
    "member.may_activate": ("power", "", "let {name} switch ads on"),
    "member.may_not_activate": ("power", "", "no longer lets {name} switch ads on"),
    "member.removed": ("user", "warn", "removed {name} from the workspace"),
    "policy.changed": ("settings", "", "changed the rules of the workspace"),
    "key.created": ("key", "", "made the API key “{name}” ({prefix}…)"),
    "key.revoked": ("ban", "warn", "revoked the API key “{name}” ({prefix}…)"),
}

# What the filter offers: a word for people, and how the actions it covers begin.
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "copy": ("Ad copy", ("proposal.", "variant.", "push.", "ad.", "writes.")),
    "connections": ("Connections", ("integration.", "ad_account.", "target.")),
    "people": ("People and rules", ("member.", "policy.")),
    "keys": ("API keys", ("key.",)),
}

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?\Z")

_OBJECTS: Mapping[str, str] = {
    "advariant": "an ad",
    "proposal": "a proposal",
    "integration": "a connection",
    "adaccount": "an ad account",
    "pushtarget": "a push target",
    "membership": "a member",
    "agentkey": "an API key",
    "tenant": "the workspace",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of an entry's data, readable."""

    label: str
    value: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as people read it. ``who`` and ``kind`` fit the filters of the page."""

    seq: int
    at: datetime
    actor: str
    actor_kind: str
    who: str
    icon: str
    tone: str
    sentence: str
    object_type: str
    object_id: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """How the log is narrowed. ``who`` is u<user id>, k<key id>, agents or system."""

    who: str = ""
    kind: str = ""
    object_type: str = ""
    object_id: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.who or self.kind or self.object_id)


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Some lines, newest first, and where the neighbours begin (None: there are none)."""

    lines: tuple[Line, ...]
    newer_after: int | None
    older_before: int | None


def activity_page(
    tenant: Tenant,
    narrow: ActivityFilter,
    *,
    before: int | None = None,
    after: int | None = None,
) -> ActivityPage:
    """The newest lines, those older than ``before``, or the ones just newer than ``after``."""
    entries = _narrowed(tenant, narrow)
    if after is not None:
        found = list(entries.filter(seq__gt=after).order_by("seq")[: PAGE_SIZE + 1])
        has_newer, has_older = len(found) > PAGE_SIZE, True
        found = found[:PAGE_SIZE][::-1]
    else:
        older = entries if before is None else entries.filter(seq__lt=before)
        found = list(older.order_by("-seq")[: PAGE_SIZE + 1])
        has_newer, has_older = before is not None, len(found) > PAGE_SIZE
        found = found[:PAGE_SIZE]
    return ActivityPage(
        lines=tuple(line(entry) for entry in found),
        newer_after=found[0].seq if found and has_newer else None,
        older_before=found[-1].seq if found and has_older else None,
    )


def line(entry: AuditEntry) -> Line:
    """The entry in words; an act we have no sentence for shows its name."""
    icon, tone, template = SENTENCES.get(entry.action, ("circle-dot", "", ""))
    words = {"what": _what(entry), **{name: _brief(value) for name, value in entry.data.items()}}
    try:
        sentence = template.format_map(words)
    except KeyError:
        sentence = ""
    return Line(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor_label,
        actor_kind=entry.actor_kind,
        who=_who(entry),
        icon=icon,
        tone=tone,
        sentence=sentence or f"{entry.action} on {_what(entry)}",
        object_type=entry.object_type,
        object_id=entry.object_id,
        facts=(*_facts(entry.data), Fact("Entry hash", entry.hash, True)),
    )


def _narrowed(tenant: Tenant, narrow: ActivityFilter) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(tenant_id=tenant.pk)
    if narrow.object_id:
        entries = entries.filter(object_type=narrow.object_type, object_id=narrow.object_id)
    if narrow.kind in KINDS:
        starts = Q()
        for start in KINDS[narrow.kind][1]:
            starts |= Q(action__startswith=start)
        entries = entries.filter(starts)
    if narrow.who == "agents":
        entries = entries.filter(actor_kind=ActorKind.AGENT)
    elif narrow.who == "system":
        entries = entries.filter(actor_kind=ActorKind.SYSTEM)
    elif narrow.who[1:].isdecimal() and len(narrow.who) < 19:
        field = "key_id" if narrow.who.startswith("k") else "user_id"
        entries = entries.filter(**{field: int(narrow.who[1:])})
    return entries


def _who(entry: AuditEntry) -> str:
    if entry.user_id is not None:
        return f"u{entry.user_id}"
    return f"k{entry.key_id}" if entry.key_id is not None else "system"


def _what(entry: AuditEntry) -> str:
    name = entry.data.get("headline") or entry.data.get("name")
    if isinstance(name, str):
        return f"“{name}”"
    return _OBJECTS.get(entry.object_type, entry.object_type or "something")


def _facts(data: Mapping[str, Any], prefix: str = "") -> Iterable[Fact]:
    for name, value in data.items():
        label = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _facts(value, f"{label}: ")
        elif value not in ("", None, []):
            text = _brief(value)
            is_code = name.endswith(("_id", "_hash", "hash", "prefix")) or name == "variants"
            yield Fact(label[:1].upper() + label[1:], text, is_code)


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value)
    text = str(value)
    if not _MOMENT.match(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # looks like a time and is none
        return text
    return f"{moment.day} {moment:%b %Y, %H:%M} {moment.tzname() or ''}".strip()
