"""Taking in ad copy that an agent (or a file) proposes. Nothing here can decide anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from approvals.access import access_variant
from approvals.checks.finding import Finding
from approvals.checks.run import check_copy
from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdImage, AdVariant, Proposal, VariantRevision
from approvals.rules import rules_for
from approvals.services.checking import (
    Rejected,
    check_for_target,
    rejected_texts,
    usual_sites_of,
)
from approvals.services.images import store_image
from approvals.services.links import ask_for_link, note_link
from approvals.services.shown import head_with_hash
from approvals.states import VariantStatus, move
from integrations.models import PushTarget
from leadmetrics.audit.log import record
from leadmetrics.errors import InvalidInput, LeadmetricsError
from leadmetrics.tenancy.actors import Actor, ActorKind, require_role
from leadmetrics.tenancy.models import Role, Tenant

MAX_ITEMS = 200


class IdempotencyConflict(LeadmetricsError):
    code = "idempotency_conflict"
    user_message = "This Idempotency-Key was used before with different content. Use a new key."


@dataclass(frozen=True, slots=True)
class VariantInput:
    """One proposed ad, as it came in. ``image`` holds the file's bytes."""

    target_id: str
    copy: AdCopy
    client_ref: str = ""
    rationale: str = ""
    image: bytes = b""


@dataclass(frozen=True, slots=True)
class ProposalInput:
    """One submission. ``request_hash`` identifies its content under an idempotency key."""

    items: Sequence[VariantInput]
    run_id: str = ""
    model: str = ""
    brief: str = ""
    idempotency_key: str = ""
    request_hash: str = ""


@dataclass(slots=True)
class ItemResult:
    """What became of one item: an id, or problems of ``{code, field, message, limit?, found?}``."""

    client_ref: str
    variant_id: str = ""
    status: str = "refused"
    errors: list[dict[str, object]] = field(default_factory=list)
    warnings: list[dict[str, object]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The item in the answer to the agent."""
        return {
            "client_ref": self.client_ref,
            "id": self.variant_id or None,
            "status": self.status,
            "errors": self.errors,
            "warnings": self.warnings,
        }


@dataclass(frozen=True, slots=True)
class ProposeResult:
    """The answer, and whether it is the stored one of an earlier, equal request."""

    items: list[dict[str, Any]]
    replayed: bool = False


def propose_variants(*, actor: Actor, proposal: ProposalInput) -> ProposeResult:
    """Store the valid items as proposed variants; the others come back with their problems.

    A repeated idempotency key returns the first answer without storing anything. Raises
    InvalidInput for no or too many items, IdempotencyConflict for a reused key with other content.
    """
    if not 1 <= len(proposal.items) <= MAX_ITEMS:
        raise InvalidInput(f"Send between 1 and {MAX_ITEMS} variants in one request.")
    earlier = _earlier_answer(actor, proposal)
    if earlier:
        return earlier
    try:
        return _store(actor, proposal)
    except IntegrityError:  # the same request arrived twice at once, and the other was first
        earlier = _earlier_answer(actor, proposal)
        if earlier is None:
            raise
        return earlier


def withdraw_variant(*, actor: Actor, variant_id: UUID, shown_hash: str = "") -> AdVariant:
    """Take a variant back that nobody has decided yet.

    People need the right to review, and the content with ``shown_hash``; agents have no screen.
    Raises NotFound, NotAllowed, StateConflict and ContentChanged.
    """
    with transaction.atomic():
        if actor.kind == ActorKind.HUMAN:
            require_role(actor, Role.REVIEWER, tenant_id=actor.tenant_id)
        variant = access_variant(actor=actor, variant_id=variant_id, lock=True)
        move(variant, VariantStatus.WITHDRAWN)
        if actor.kind == ActorKind.HUMAN:
            head_with_hash(variant, shown_hash)
        record(actor, "variant.withdrawn", variant)
    return variant


def add_revision(
    *,
    actor: Actor,
    variant: AdVariant,
    copy: AdCopy,
    flags: Sequence[Finding],
    image: AdImage | None,
) -> VariantRevision:
    """A new immutable revision as the variant's head, in the caller's transaction."""
    number = variant.head.number + 1 if variant.head else 1
    revision = VariantRevision(
        variant=variant,
        number=number,
        primary_text=copy.primary_text,
        headline=copy.headline,
        description=copy.description,
        link=copy.link,
        call_to_action=copy.call_to_action,
        image=image,
        flags=[flag.as_json() for flag in flags],
        author_kind=actor.kind,
        author_label=actor.label,
        author_id=actor.user_id,
    )
    revision.content_hash = content_hash(revision, variant.target)
    revision.save(force_insert=True)
    variant.head, variant.link_flags, variant.has_warnings = revision, [], bool(flags)
    variant.link_check = ask_for_link(tenant_id=variant.tenant_id, link=revision.link)
    newest = ["head", "link_check", "link_flags", "has_warnings"]
    variant.save(update_fields=[*newest, "updated_at"])
    if variant.link_check:
        # Only now: whoever opens the link notes this ad, too, unless that was done before.
        variant.link_check.refresh_from_db()
        note_link(variant, variant.link_check)
    return revision


def _earlier_answer(actor: Actor, proposal: ProposalInput) -> ProposeResult | None:
    if not proposal.idempotency_key:
        return None
    earlier = Proposal.objects.filter(
        tenant_id=actor.tenant_id,
        key_id=actor.key_id,
        idempotency_key=proposal.idempotency_key,
    ).first()
    if earlier is None:
        return None
    if earlier.request_hash != proposal.request_hash:
        raise IdempotencyConflict
    return ProposeResult(items=earlier.answer["items"], replayed=True)


def _store(actor: Actor, proposal: ProposalInput) -> ProposeResult:
    with transaction.atomic():
        tenant = Tenant.objects.get(pk=actor.tenant_id)
        row = Proposal.objects.create(
            tenant=tenant,
            submitted_by=actor.label,
            key_id=actor.key_id,
            run_id=_storable(proposal.run_id),
            model=_storable(proposal.model),
            brief=_storable(proposal.brief),
            idempotency_key=proposal.idempotency_key,
            request_hash=proposal.request_hash,
        )
        targets = _targets(tenant)
        asked_for = {item.target_id for item in proposal.items}
        sites = {
            target.pk: usual_sites_of(target) for pk, target in targets.items() if pk in asked_for
        }
        rejected = rejected_texts(tenant)
        results = [
            _store_item(actor, tenant, row, targets, sites, rejected, item)
            for item in proposal.items
        ]
        row.answer = {"items": [result.as_json() for result in results]}
        row.save(update_fields=["answer"])
        record(
            actor,
            "proposal.received",
            row,
            {
                "proposed": sum(result.status == "proposed" for result in results),
                "refused": sum(result.status == "refused" for result in results),
                "variants": [result.variant_id for result in results if result.variant_id],
            },
        )
    return ProposeResult(items=row.answer["items"])


def _targets(tenant: Tenant) -> dict[str, PushTarget]:
    live = PushTarget.objects.filter(tenant=tenant, archived_at=None).select_related(
        "ad_account", "ad_set__campaign", "page"
    )
    return {str(target.pk): target for target in live}


def _store_item(
    actor: Actor,
    tenant: Tenant,
    proposal: Proposal,
    targets: dict[str, PushTarget],
    sites: Mapping[UUID, frozenset[str]],
    rejected: Sequence[Rejected],
    item: VariantInput,
) -> ItemResult:
    result = ItemResult(client_ref=_storable(item.client_ref))
    target = targets.get(item.target_id)
    if target is None:
        result.errors.append(
            Finding("unknown_target", "target_id", "No such push target here.").as_json()
        )
        return result
    copy = _with_default_link(item.copy, target)
    # The words first: a picture is stored only for words that may be proposed.
    problems = check_copy(copy, rules_for(tenant, target, None)).problems
    result.errors.extend(problem.as_json() for problem in problems)
    image = _image(tenant, item, result)
    checked = check_for_target(
        tenant=tenant,
        target=target,
        copy=copy,
        image=image,
        usual_sites=sites[target.pk],
        rejected=rejected,
    )
    result.warnings.extend(flag.as_json() for flag in checked.flags)
    if result.errors:
        return result
    variant = AdVariant.objects.create(
        tenant=tenant,
        proposal=proposal,
        target=target,
        client_ref=_storable(item.client_ref),
        rationale=_storable(item.rationale),
    )
    add_revision(actor=actor, variant=variant, copy=checked.copy, flags=checked.flags, image=image)
    result.variant_id, result.status = str(variant.pk), "proposed"
    return result


def _storable(text: str) -> str:
    """Without NUL, which PostgreSQL does not store; the ad's own words are refused for it."""
    return text.replace("\0", "")


def _with_default_link(copy: AdCopy, target: PushTarget) -> AdCopy:
    return copy if copy.link else replace(copy, link=target.default_link)


def _image(tenant: Tenant, item: VariantInput, result: ItemResult) -> AdImage | None:
    if not item.image or result.errors:
        return None
    try:
        return store_image(tenant=tenant, content=item.image)
    except InvalidInput as exc:
        result.errors.extend(exc.problems)
        return None


def hash_request(body: bytes) -> str:
    """What tells two requests under one idempotency key apart."""
    return hashlib.sha256(body).hexdigest()
