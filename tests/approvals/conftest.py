"""A tenant with a push target, and copy that passes every check."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from approvals.limits import AdCopy
from approvals.models import AdVariant
from approvals.services.propose import ProposalInput, VariantInput, propose_variants
from integrations.models import AdAccount, AdSet, Campaign, Integration, Page, PushTarget
from leadmetrics.tenancy.actors import Actor, ActorKind, human
from leadmetrics.tenancy.models import Membership, Role, Tenant, User

COPY = AdCopy(
    primary_text="Pack light. Walk far.",
    headline="Tents from 1.9 kg",
    description="Free returns",
    link="https://acme.example/tents",
    call_to_action="SHOP_NOW",
)


def make_member_of(tenant: Tenant, name: str, role: Role) -> Actor:
    user = User.objects.create_user(f"{name.lower()}@{tenant.slug}.example", name=name)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return human(user, tenant)


def make_target_for(tenant: Tenant, **changes: object) -> PushTarget:
    admin = User.objects.create_user(f"admin-of-{tenant.slug}@{tenant.slug}.example", name="Admin")
    integration = Integration.objects.create(
        tenant=tenant,
        meta_user_id="2001",
        meta_user_name="Ana Keller",
        connected_by=admin,
        connected_at=datetime.now(UTC),
    )
    account = AdAccount.objects.create(
        tenant=tenant,
        integration=integration,
        ad_account_id="act_3001",
        name="Acme EU",
        currency="EUR",
        timezone="Europe/Berlin",
        account_status=1,
        enabled=True,
    )
    page = Page.objects.create(
        integration=integration, page_id="5001", name="Acme Outdoor", can_advertise=True
    )
    campaign = Campaign.objects.create(
        ad_account=account, campaign_id="6001", name="Spring", status="ACTIVE"
    )
    ad_set = AdSet.objects.create(
        ad_account=account, campaign=campaign, ad_set_id="7001", name="25+", status="ACTIVE"
    )
    values = {"name": "Spring 25+", "default_link": "https://acme.example/", **changes}
    return PushTarget.objects.create(
        tenant=tenant, ad_account=account, ad_set=ad_set, page=page, **values
    )


@pytest.fixture
def acme(db) -> Tenant:
    return Tenant.objects.create(slug="acme-outdoor", name="Acme Outdoor", undo_minutes=0)


@pytest.fixture
def target(acme) -> PushTarget:
    return make_target_for(acme)


@pytest.fixture
def agent(acme) -> Actor:
    return Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=1)


@pytest.fixture
def ben(acme) -> Actor:
    return make_member_of(acme, "Ben", Role.REVIEWER)


@pytest.fixture
def rita(acme) -> Actor:
    return make_member_of(acme, "Rita", Role.REVIEWER)


@pytest.fixture
def vera(acme) -> Actor:
    return make_member_of(acme, "Vera", Role.VIEWER)


@pytest.fixture
def variant(agent, target) -> AdVariant:
    return propose(agent, target)


def propose(actor: Actor, target: PushTarget, copy: AdCopy = COPY, image: bytes = b"") -> AdVariant:
    result = propose_variants(
        actor=actor,
        proposal=ProposalInput(items=[VariantInput(str(target.pk), copy, "a1", image=image)]),
    )
    return AdVariant.objects.get(pk=result.items[0]["id"])
