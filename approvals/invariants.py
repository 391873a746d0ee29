"""What must always be true of approvals and pushes, looked for in the stored rows.

The same checker judges the suite's random histories, the kill campaign, restored backups and a
running installation (`manage.py doctor --invariants`). It reads only. Given what Meta holds, it
compares that, too. I12 to I14 and I18 are about grants and figures: ``integrations.invariants``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q

from approvals.content import digest
from approvals.invariants_people import people
from approvals.models import (
    Activation,
    ActivationResult,
    AdVariant,
    Decision,
    LiveAd,
    Push,
    PushStep,
    VariantRevision,
    WriteStop,
)
from approvals.states import PAST_PUSHES, PushState, StepState, VariantStatus
from integrations import invariants as grants
from leadmetrics.audit import append_only, log
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.models import Tenant

S, V = PushState, VariantStatus
# Which states of its live push a variant's status allows.
_PAIRS: Mapping[str, frozenset[str]] = {
    V.APPROVED: frozenset({S.WAITING}),
    V.PUSHING: frozenset({S.RUNNING}),
    V.PUSH_UNKNOWN: frozenset({S.UNKNOWN}),
    V.PUSH_FAILED: frozenset({S.FAILED}),
    V.PAUSED: frozenset({S.DONE}),
    V.ACTIVATING: frozenset({S.DONE}),
    V.ACTIVE: frozenset({S.DONE}),
    V.PAUSING: frozenset({S.DONE}),
    V.META_REFUSED: frozenset({S.DONE}),
    V.PROPOSED: frozenset(),
    V.REJECTED: frozenset(),
    V.CHANGES_REQUESTED: frozenset(),
    V.WITHDRAWN: frozenset(),
    V.EXPIRED: frozenset(),
}
_WORDS = ("primary_text", "headline", "description", "link", "call_to_action")
MOST_AD_WRITES = 2
# A call that was on the wire when writing was stopped may still be noted so much later.
STOP_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What Meta holds: ads ``{id, name, status, adset_id, creative_id}`` and every write so far.

    Writes are ``{path, params, answer}``, oldest first. ``content`` is each creative's text.
    """

    ads: list[dict[str, Any]] = field(default_factory=list)
    writes: list[dict[str, Any]] = field(default_factory=list)
    content: dict[str, dict[str, Any]] = field(default_factory=dict)


def violations(ledger: Ledger | None = None, *, tenants: Collection[int] = ()) -> list[str]:
    """Each thing that is not as it must be, in words that begin with the rule's name.

    Empty means that all holds. ``tenants`` narrows it to some of them. Work may go on meanwhile:
    what is seen in one reading and not in the next was only a change between two queries.
    """
    found = _read_once(ledger, tenants)
    if not found:
        return []
    again = set(_read_once(ledger, tenants))
    return [each for each in found if each in again]


def _read_once(ledger: Ledger | None, tenants: Collection[int]) -> list[str]:
    of = Q(tenant_id__in=list(tenants)) if tenants else Q()
    found = [*_guards(), *_revisions(of), *_tenants(of), *_audit(of), *_activations(of)]
    pushes = list(
        Push.objects.filter(variant__in=AdVariant.objects.filter(of))
        .select_related("variant__tenant", "decision__revision__image")
        .prefetch_related("steps")
    )
    for push in pushes:
        found += _approval(push)
        found += _steps(push)
        found += _end(push)
    found += _pairs(of, pushes)
    found += _stops(pushes)
    found += people(of, pushes)
    found += grants.violations(tenants)
    if ledger is not None:
        found += _at_meta(pushes, ledger)
    return found


def _guards() -> Iterator[str]:
    missing = append_only.missing()
    if missing:
        yield f"I1 I10 the triggers {', '.join(missing)} are missing"


def _revisions(of: Q) -> Iterator[str]:
    newest: dict[Any, tuple[int, int]] = {}
    rows = VariantRevision.objects.filter(variant__in=AdVariant.objects.filter(of))
    for variant_id, number, pk in rows.order_by("number").values_list("variant_id", "number", "pk"):
        newest[variant_id] = (number, pk)
    for variant_id, head_id in AdVariant.objects.filter(of).values_list("pk", "head_id"):
        if head_id is not None and newest.get(variant_id, (0, 0))[1] != head_id:
            yield f"I4 variant {variant_id}: the head is not the newest revision"


def _approval(push: Push) -> Iterator[str]:
    """I2, I3, I4 and I11: what a push sends is what a person approved, of the newest revision."""
    name, decision = push.reference, push.decision
    revision, variant = decision.revision, push.variant
    if decision.verdict != Decision.Verdict.APPROVED:
        yield f"I2 {name}: its decision is no approval"
    if not decision.variant_id == revision.variant_id == variant.pk:
        yield f"I2 {name}: its approval is about another variant"
    own = revision.author_id is not None and revision.author_id == decision.reviewer_id
    if own != decision.reviewer_was_author:
        yield f"I2 {name}: it is not said truly whether the author approved it"
    if digest(push.payload) != push.payload_hash:
        yield f"I3 {name}: the content to send does not have the hash that is stored with it"
    if push.payload_hash != decision.content_hash:
        yield f"I3 {name}: the hash to send is not the approved one"
    if any(push.payload.get(word) != getattr(revision, word) for word in _WORDS):
        yield f"I3 {name}: the words to send are not those of the approved revision"
    if push.payload.get("image_sha256") != (revision.image.sha256 if revision.image else ""):
        yield f"I3 {name}: the picture to send is not that of the approved revision"
    if push.payload.get("tenant") != variant.tenant_id:
        yield f"I11 {name}: the content names another tenant"
    if push.state not in PAST_PUSHES and revision.pk != variant.head_id:
        yield f"I4 {name}: an older revision than the newest is to be sent or was sent"


def _steps(push: Push) -> Iterator[str]:
    """I5 and I9: no second ad write before the first one was refused or proved absent."""
    name = push.reference
    writes = sorted(
        (step for step in push.steps.all() if step.kind == PushStep.Kind.AD),
        key=lambda step: step.pk,
    )
    over = (StepState.REFUSED, StepState.ABSENT)
    if any(step.state not in over for step in writes[:-1]):
        yield f"I9 {name}: an ad was sent again although the first write may have happened"
    counted = [step for step in writes if step.state != StepState.REFUSED]
    if len(counted) > MOST_AD_WRITES:
        yield f"I9 {name}: an ad was sent {len(counted)} times"
    settle = timedelta(seconds=settings.PUSH_SETTLE_SECONDS)
    for step in writes:
        if step.state != StepState.ABSENT:
            continue
        if step.empty_lookups < 2 or step.looked_up_at is None:
            yield f"I9 {name}: an ad counts as absent without two look-ups"
        elif step.looked_up_at - step.sent_at < 2 * settle:
            yield f"I9 {name}: an ad counts as absent before the settle time was over twice"
    ids = {step.object_id for step in writes if step.state == StepState.DONE}
    if len(ids) > 1:
        yield f"I5 {name}: it has the ads {', '.join(sorted(ids))}"
    if push.ad_id and ids and push.ad_id not in ids:
        yield f"I5 {name}: the stored ad {push.ad_id} comes from no step"
    if push.state == S.VOIDED and any(step.state != StepState.REFUSED for step in writes):
        yield f"I4 {name}: it was voided although its ad may be at Meta"


def _end(push: Push) -> Iterator[str]:
    """I6 and I8: a push that is done has its ad, read back as paused; one at work has a lease."""
    name = push.reference
    if push.state == S.DONE:
        if not push.ad_id:
            yield f"I8 {name}: done without an ad"
        elif (push.read_back or {}).get("configured_status") != "PAUSED":
            yield f"I6 {name}: done, but the ad was not read back as paused"
        if any(not (step.creates or step.finished_at) for step in push.steps.all()):
            yield f"I6 {name}: its ad ran unasked and was paused, and nobody was told"
    if push.state == S.RUNNING and push.lease_until is None:
        yield f"I8 {name}: it is being sent without a lease, so nobody will ever take it over"
    if push.state == S.FAILED and not push.problem:
        yield f"I8 {name}: it waits for a person without saying why"


def _pairs(of: Q, pushes: list[Push]) -> Iterator[str]:
    """I4, I5, I8: each variant has the one live push that its status speaks of, or none."""
    live: dict[Any, list[Push]] = defaultdict(list)
    for push in pushes:
        if push.state not in PAST_PUSHES:
            live[push.variant_id].append(push)
    for pk, status in AdVariant.objects.filter(of).values_list("pk", "status"):
        allowed = _PAIRS.get(status)
        own = live.get(pk, [])
        if allowed is None:
            continue
        if len(own) > 1:
            yield f"I5 variant {pk}: it has {len(own)} live pushes"
        elif allowed and not own:
            yield f"I8 variant {pk}: it is {status}, but nothing will send it"
        elif own and own[0].state not in allowed:
            yield f"I8 variant {pk}: it is {status} while its push is {own[0].state}"


def _tenants(of: Q) -> Iterator[str]:
    """I11: everything a variant hangs together with belongs to its own tenant."""
    paths = (
        "proposal__tenant",
        "target__tenant",
        "target__ad_account__tenant",
        "target__ad_account__integration__tenant",
        "target__ad_set__ad_account__tenant",
        "target__page__integration__tenant",
        "revisions__image__tenant",
    )
    for path in paths:
        strange = (
            AdVariant.objects.filter(of).exclude(**{path: None}).exclude(**{path: F("tenant")})
        )
        for pk in strange.values_list("pk", flat=True).distinct():
            yield f"I11 variant {pk}: its {path.replace('__', ' ')} is another one"


def _audit(of: Q) -> Iterator[str]:
    """I10: the chains hold, and each approval and each ad has its line."""
    tenants = Tenant.objects.filter(
        pk__in=AdVariant.objects.filter(of).values("tenant_id").distinct()
    )
    for tenant in tenants:
        _, broken = log.verify(tenant.pk)
        if broken is not None:
            yield f"I10 {tenant.slug}: audit line {broken.seq}: {broken.reason}"
        done = Push.objects.filter(variant__tenant=tenant, finished_at__isnull=False)
        ads = Counter(
            str(pk) for pk in done.exclude(state=S.VOIDED).values_list("variant_id", flat=True)
        )
        yield from _lines(tenant, "variant.pushed", ads)
        approvals = (
            Decision.objects.filter(variant__tenant=tenant, verdict=Decision.Verdict.APPROVED)
            .filter(push__isnull=False)  # of two approvals, the first has a line of its own
            .values_list("variant_id")
            .annotate(Count("pk"))
        )
        yield from _lines(
            tenant, "variant.approved", Counter({str(pk): count for pk, count in approvals})
        )


def _lines(tenant: Tenant, action: str, wanted: Counter[str]) -> Iterator[str]:
    rows = AuditEntry.objects.filter(tenant_id=tenant.pk, action=action).values_list("object_id")
    found = Counter(dict(rows.annotate(Count("pk"))))
    for pk in wanted.keys() | found.keys():
        if wanted[pk] != found[pk]:
            yield f"I10 variant {pk}: {found[pk]} lines {action} for {wanted[pk]} times it happened"


def _activations(of: Q) -> Iterator[str]:
    """I7: an ad that is switched on was switched on by a person, with the approved text."""
    variants = AdVariant.objects.filter(of)
    acts = Activation.objects.filter(push__variant__in=variants).select_related("push")
    for act in acts:
        if act.content_hash != act.push.payload_hash:
            yield f"I7 {act.push.reference}: switched on with another text than the approved one"
    switched_on = ActivationResult.objects.filter(result=ActivationResult.Result.ACTIVE)
    without = variants.filter(status=V.ACTIVE).exclude(
        pushes__activations__in=switched_on.values("activation")
    )
    for pk in without.values_list("pk", flat=True):
        yield f"I7 variant {pk}: it is on, but nobody's activation succeeded"


def _stops(pushes: list[Push]) -> Iterator[str]:
    """I17: nothing was sent while writing was stopped."""
    stops = {stop.tenant_id: stop.stopped_at for stop in WriteStop.objects.all()}
    if not stops:
        return
    for push in pushes:
        moments = [stops[key] for key in (None, push.variant.tenant_id) if key in stops]
        if not moments:
            continue
        since = min(moments) + STOP_TOLERANCE
        if any(step.creates and step.sent_at > since for step in push.steps.all()):
            yield f"I17 {push.reference}: something was sent although writing was stopped"


def _at_meta(pushes: list[Push], ledger: Ledger) -> Iterator[str]:
    """I3, I5, I6, I7 and I8 against Meta's own books."""
    references = {push.reference: push for push in pushes}
    ads: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for ad in ledger.ads:
        _, mark, reference = ad["name"].rpartition("lm-")
        ads[mark + reference].append(ad)
    for reference, held in ads.items():
        if len(held) > 1:
            yield f"I5 {reference}: Meta holds {len(held)} ads"
        if reference in references:
            for ad in held:
                yield from _as_approved(references[reference], ad, ledger)
        elif reference.startswith("lm-"):
            yield f"I8 {reference}: Meta holds an ad that no push of ours knows"
    known = {ad["id"] for ad in ledger.ads}
    for push in pushes:
        if push.state == S.DONE and push.ad_id not in known:
            yield f"I8 {push.reference}: it is done, but Meta does not hold its ad"
        if push.state == S.VOIDED and ads.get(push.reference):
            yield f"I4 {push.reference}: it was voided, but Meta holds its ad"
    yield from _switched(ledger)


def _as_approved(push: Push, ad: Mapping[str, Any], ledger: Ledger) -> Iterator[str]:
    if ad["adset_id"] != push.payload["ad_set_id"]:
        yield f"I3 {push.reference}: Meta holds the ad in another ad set"
    content = ledger.content.get(ad["creative_id"])
    if content is not None and digest({**push.payload, **content}) != push.payload_hash:
        yield f"I3 {push.reference}: Meta holds another text than the approved one"


def _switched(ledger: Ledger) -> Iterator[str]:
    """I6, I7, I9: every ad was asked for as paused, and nobody switched one without a row."""
    allowed = set(Activation.objects.values_list("push__ad_id", flat=True))
    steps = PushStep.objects.filter(kind=PushStep.Kind.PAUSE).values_list("push__ad_id", flat=True)
    acts = LiveAd.objects.filter(fence__gt=0).values_list("push__ad_id", flat=True)
    for write in ledger.writes:
        status = write["params"].get("status")
        if write["path"].endswith("/ads"):
            if status != "PAUSED":
                yield f"I6 an ad was asked for as {status or 'ACTIVE, by leaving the status out'}"
        elif status == "ACTIVE" and write["path"] not in allowed:
            yield f"I7 {write['path']}: asked to run although nobody activated it"
        elif status == "PAUSED" and write["path"] not in {*steps, *acts}:
            yield f"I9 {write['path']}: paused without an intent"
