"""Rows for tests. Each builder takes the row above it and makes what is missing in between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction
from django.test import Client

from approvals.content import build_payload, content_hash
from approvals.limits import AdCopy
from approvals.models import AdVariant, Decision, Proposal, Push, VariantRevision
from approvals.states import PushState, VariantStatus
from integrations.meta_ads.types import AccessToken
from integrations.models import (
    AdAccount,
    AdSet,
    Campaign,
    CampaignInsight,
    Integration,
    Page,
    PushTarget,
)
from integrations.services.adding_up import add_up
from integrations.services.clients import seal_token
from leadmetrics.agents.auth import KEY_START, hash_key
from leadmetrics.agents.models import AgentKey
from leadmetrics.tenancy.actors import Actor, ActorKind, human
from leadmetrics.tenancy.models import Membership, Role, Tenant, User

TOKEN = "EAAExampleTokenThatOpensNothing"
COPY = AdCopy(
    primary_text="Pack light. Walk far.",
    headline="Tents from 1.9 kg",
    description="Free returns",
    link="https://acme.example/tents",
    call_to_action="SHOP_NOW",
)
_numbers = count(1)


def make_tenant(slug: str = "acme", name: str = "Acme Outdoor", **fields: Any) -> Tenant:
    """A tenant, in Berlin, where approved ads are sent at once, unless told otherwise."""
    return Tenant.objects.create(
        **{"slug": slug, "name": name, "timezone": "Europe/Berlin", "undo_minutes": 0, **fields}
    )


def make_user(name: str, email: str = "", **fields: Any) -> User:
    """A person without a password; tests sign in with ``client_for``."""
    return User.objects.create_user(email or f"{name.lower()}@acme.example", name=name, **fields)


def make_member(tenant: Tenant, name: str = "Ana", role: Role = Role.ADMIN) -> Actor:
    """A new person in the tenant, as the actor whom services ask for."""
    user = make_user(name, f"{name.lower()}@{tenant.slug}.example")
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return human(user, tenant)


def client_for(actor: Actor) -> Client:
    """A browser in which this person is signed in."""
    assert actor.user_id is not None
    client = Client()
    client.force_login(User.objects.get(pk=actor.user_id))
    return client


def make_integration(
    tenant: Tenant,
    *,
    status: str = Integration.Status.CONNECTED,
    token: str = TOKEN,
    expires_at: datetime | None = None,
    **fields: Any,
) -> Integration:
    """A grant whose token is sealed for this row; it ends in 55 days unless told otherwise."""
    number = next(_numbers)
    expires_at = expires_at or datetime.now(UTC) + timedelta(days=55)
    integration = Integration(
        **{
            "tenant": tenant,
            "status": status,
            "metadata": {"tokenExpiresAt": expires_at.isoformat()},
            "meta_user_id": str(200_000 + number),
            "meta_user_name": "Ana Keller",
            "connected_at": datetime.now(UTC),
            **fields,
        }
    )
    if integration.connected_by_id is None:
        name = f"Owner{number}"
        integration.connected_by = make_user(name, f"{name.lower()}@{tenant.slug}.example")
    seal_token(integration, AccessToken(token))
    integration.save(force_insert=True)
    return integration


def make_ad_account(integration: Integration, **fields: Any) -> AdAccount:
    """An enabled ad account in euros that can run ads."""
    number = next(_numbers)
    return AdAccount.objects.create(
        **{
            "integration": integration,
            "tenant": integration.tenant,
            "ad_account_id": f"act_{300_000 + number}",
            "name": f"Acme EU {number}",
            "currency": "EUR",
            "timezone": "Europe/Berlin",
            "account_status": AdAccount.AccountStatus.ACTIVE,
            "user_tasks": ["MANAGE", "ADVERTISE", "ANALYZE"],
            "enabled": True,
            **fields,
        }
    )


def make_page(integration: Integration, **fields: Any) -> Page:
    """A Page that may advertise."""
    return Page.objects.create(
        **{
            "integration": integration,
            "page_id": str(500_000 + next(_numbers)),
            "name": "Acme Outdoor",
            "can_advertise": True,
            **fields,
        }
    )


def make_campaign(ad_account: AdAccount, **fields: Any) -> Campaign:
    """A running campaign."""
    number = next(_numbers)
    return Campaign.objects.create(
        **{
            "ad_account": ad_account,
            "campaign_id": str(600_000 + number),
            "name": f"Spring {number}",
            "status": "ACTIVE",
            "effective_status": "ACTIVE",
            "objective": "OUTCOME_SALES",
            **fields,
        }
    )


def make_ad_set(campaign: Campaign, **fields: Any) -> AdSet:
    """A running ad set of the campaign."""
    number = next(_numbers)
    return AdSet.objects.create(
        **{
            "ad_account": campaign.ad_account,
            "campaign": campaign,
            "ad_set_id": str(700_000 + number),
            "name": f"25 and older {number}",
            "status": "ACTIVE",
            "effective_status": "ACTIVE",
            **fields,
        }
    )


def make_push_target(
    tenant: Tenant, *, ad_set: AdSet | None = None, page: Page | None = None, **fields: Any
) -> PushTarget:
    """A push target; without an ad set, one of a new grant with a new ad account."""
    ad_set = ad_set or make_ad_set(make_campaign(make_ad_account(make_integration(tenant))))
    return PushTarget.objects.create(
        **{
            "tenant": tenant,
            "ad_account": ad_set.ad_account,
            "ad_set": ad_set,
            "page": page or make_page(ad_set.ad_account.integration),
            "name": f"Spring {next(_numbers)}",
            "default_link": "https://acme.example/",
            **fields,
        }
    )


def make_insights(
    campaigns: Iterable[Campaign], *, days: int, until: date | None = None
) -> list[CampaignInsight]:
    """One row per campaign and day, the same figures every time."""
    until = until or datetime.now(UTC).date()
    rows = [
        CampaignInsight(
            ad_account=campaign.ad_account,
            campaign_id=campaign.campaign_id,
            campaign_name=campaign.name,
            date_start=until - timedelta(days=back),
            impressions=1000 + 10 * place + back,
            reach=800 + place,
            clicks=40 + place,
            inline_link_clicks=30 + place,
            spend=Decimal("12.50") + place,
            cpm=Decimal("12.50"),
            cpc=Decimal("0.31"),
            ctr=Decimal("4.00"),
            conversions=Decimal(place % 3),
            conversion_value=Decimal(place % 3) * 59,
            conversion_action_type="purchase",
        )
        for place, campaign in enumerate(campaigns)
        for back in range(days)
    ]
    return store_insights(rows)


def store_insights(rows: Iterable[CampaignInsight]) -> list[CampaignInsight]:
    """The rows, and what they add up to."""
    stored = CampaignInsight.objects.bulk_create(rows, batch_size=500)
    with transaction.atomic():
        for pk in {row.ad_account_id for row in stored}:
            days = [row.date_start for row in stored if row.ad_account_id == pk]
            add_up(pk, min(days), max(days))
    return stored


def make_proposal(tenant: Tenant, **fields: Any) -> Proposal:
    """An agent's submission."""
    return Proposal.objects.create(**{"tenant": tenant, "submitted_by": "Copy agent", **fields})


def make_variant(
    target: PushTarget,
    *,
    status: str = VariantStatus.PROPOSED,
    proposal: Proposal | None = None,
    **text: Any,
) -> AdVariant:
    """A variant whose head is one revision by an agent; ``text`` changes fields of COPY."""
    variant = AdVariant.objects.create(
        tenant=target.tenant,
        target=target,
        proposal=proposal or make_proposal(target.tenant),
        status=status,
    )
    make_revision(variant, **text)
    return variant


def make_variants(
    target: PushTarget, headlines: Sequence[str], *, versions: int = 1, **fields: Any
) -> list[AdVariant]:
    """One proposal's variants by these headlines, a few statements for any number of them."""
    proposal = make_proposal(target.tenant)
    made = [
        AdVariant(
            **{
                "tenant": target.tenant,
                "target": target,
                "proposal": proposal,
                "account_group": target.ad_account_id,
                "campaign_group": target.ad_set.campaign_id,
                "submitted_by": proposal.submitted_by,
                **fields,
            }
        )
        for _ in headlines
    ]
    AdVariant.objects.bulk_create(made)
    for number in range(1, versions + 1):
        heads = [
            _revision(variant, number, headline=headline)
            for variant, headline in zip(made, headlines, strict=True)
        ]
        VariantRevision.objects.bulk_create(heads)
    for variant, head in zip(made, heads, strict=True):
        variant.head = head
    AdVariant.objects.bulk_update(made, ["head"])
    return made


def make_revision(variant: AdVariant, **text: Any) -> VariantRevision:
    """The variant's next revision, now its head."""
    revision = _revision(variant, variant.revisions.count() + 1, **text)
    revision.save(force_insert=True)
    variant.head, variant.has_warnings = revision, bool(revision.flags)
    variant.save(update_fields=["head", "has_warnings"])
    return revision


def _revision(variant: AdVariant, number: int, **text: Any) -> VariantRevision:
    revision = VariantRevision(
        **{
            "variant": variant,
            "number": number,
            "primary_text": COPY.primary_text,
            "headline": COPY.headline,
            "description": COPY.description,
            "link": COPY.link,
            "call_to_action": COPY.call_to_action,
            "author_kind": ActorKind.AGENT,
            "author_label": "Copy agent",
            **text,
        }
    )
    revision.content_hash = content_hash(revision, variant.target)
    return revision


def make_decision(
    variant: AdVariant,
    reviewer: Actor,
    *,
    verdict: str = Decision.Verdict.APPROVED,
    **fields: Any,
) -> Decision:
    """A verdict on the variant's head; a rejection gets a reason."""
    assert variant.head is not None
    reason = "" if verdict == Decision.Verdict.APPROVED else Decision.Reason.OFF_BRAND
    return Decision.objects.create(
        **{
            "variant": variant,
            "revision": variant.head,
            "content_hash": variant.head.content_hash,
            "reviewer_id": reviewer.user_id,
            "verdict": verdict,
            "reason_code": reason,
            **fields,
        }
    )


def make_push(decision: Decision, *, state: str = PushState.WAITING, **fields: Any) -> Push:
    """The push of an approval; a finished one has an ad."""
    payload = build_payload(decision.revision, decision.variant.target)
    number = next(_numbers)
    done = state == PushState.DONE
    return Push.objects.create(
        **{
            "variant": decision.variant,
            "decision": decision,
            "payload": payload,
            "payload_hash": decision.content_hash,
            "state": state,
            "creative_id": str(800_000 + number) if done else "",
            "ad_id": str(900_000 + number) if done else None,
            "finished_at": datetime.now(UTC) if done else None,
            **fields,
        }
    )


def make_agent_key(tenant: Tenant, created_by: Actor, **fields: Any) -> tuple[AgentKey, str]:
    """A live key and its secret."""
    secret = f"{KEY_START}example-{next(_numbers)}"
    key = AgentKey.objects.create(
        **{
            "tenant": tenant,
            "name": "Copy agent",
            "prefix": secret[:10],
            "key_hash": hash_key(secret),
            "created_by_id": created_by.user_id,
            "expires_at": datetime.now(UTC) + timedelta(days=90),
            **fields,
        }
    )
    return key, secret
