"""The demo: a workspace with ads to review, and an empty one to connect yourself.

It goes through the same services as people and agents do, against the stand-in Graph API.
"""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from django.conf import settings

from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdVariant
from approvals.services.propose import ProposalInput, VariantInput, propose_variants
from approvals.services.review import approve_variant, reject_variant
from approvals.services.undo import push_now
from integrations.models import AdSet, Integration, Page, PushTarget, SyncRun
from integrations.services.accounts import choose_ad_accounts, create_push_target
from integrations.services.catalog import sync_catalog
from integrations.services.connect import finish_connect, start_connect
from integrations.services.insights import pull_insights
from leadmetrics.agents.services import create_key
from leadmetrics.demo_images import draw_scene
from leadmetrics.tenancy.actors import Actor, ActorKind, human
from leadmetrics.tenancy.models import Membership, Role, Tenant, User

AD_ACCOUNTS = ("Acme Outdoor EU", "Acme Outdoor US")
TARGETS = ("Spring, new customers", "Returning customers")
MODEL, RUN = "copywriter-3", "spring-2027-04"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as."""

    name: str
    email: str
    role: Role | None
    what: str


DEMO_PEOPLE = (
    DemoPerson("Ana Keller", "ana@acme.example", Role.ADMIN, "admin"),
    DemoPerson("Ben Okafor", "ben@acme.example", Role.REVIEWER, "reviewer"),
    DemoPerson("Vera Lind", "vera@acme.example", Role.VIEWER, "viewer"),
    DemoPerson("Sam Rivera", "sam@leadmetrics.example", None, "support, in /admin/"),
)


def read_password() -> str:
    """The demo people's password; empty when there is no demo."""
    path = _password_file()
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def is_half_made() -> bool:
    """Whether making the demo was cut off, so that what is there helps nobody."""
    return _unfinished_mark().exists()


def make_demo() -> None:
    """Make the demo's people and workspaces; needs the stand-in running and an empty database."""
    password = _make_password()
    _unfinished_mark().touch()
    acme = Tenant.objects.create(slug="acme", name="Acme Outdoor", timezone="Europe/Berlin")
    harbour = Tenant.objects.create(
        slug="harbour", name="Harbour Books", timezone="Europe/London", undo_minutes=0
    )
    people = {person.email: _make_person(person, password, acme) for person in DEMO_PEOPLE}
    ana, ben = people["ana@acme.example"], people["ben@acme.example"]
    for user, role in ((ana, Role.ADMIN), (ben, Role.REVIEWER)):
        Membership.objects.create(tenant=harbour, user=user, role=role)
    _connect(human(ana, acme))
    _propose(human(ana, acme))
    _decide(human(ben, acme))
    _unfinished_mark().unlink()


def _make_password() -> str:
    path = _password_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    path.write_text(f"{password}\n", encoding="utf-8")
    return password


def _password_file() -> Path:
    return Path(settings.DATA_DIR) / "demo-password"


def _unfinished_mark() -> Path:
    return Path(settings.DATA_DIR) / "demo-unfinished"


def _make_person(person: DemoPerson, password: str, tenant: Tenant) -> User:
    is_support = person.role is None
    user = User.objects.create_user(
        person.email, password, name=person.name, is_staff=is_support, is_superuser=is_support
    )
    if person.role is not None:
        Membership.objects.create(
            tenant=tenant, user=user, role=person.role, can_activate=person.role == Role.ADMIN
        )
    return user


def _connect(admin: Actor) -> None:
    code = _click_through(start_connect(actor=admin, state="demo"))
    integration = finish_connect(actor=admin, code=code)
    _read_catalog(integration)
    chosen = integration.ad_accounts.filter(name__in=AD_ACCOUNTS)
    choose_ad_accounts(
        actor=admin,
        integration_id=integration.pk,
        chosen=set(chosen.values_list("pk", flat=True)),
    )
    _read_catalog(integration)
    for name in TARGETS:
        create_push_target(
            actor=admin,
            name=name,
            ad_set=AdSet.objects.get(ad_account__integration=integration, name=name),
            page=Page.objects.get(integration=integration, name="Acme Outdoor"),
            default_link="https://acme.example/spring",
            url_tags="utm_source=meta&utm_medium=paid",
            use_instagram=False,
        )
    # After the targets, whose ads are read too.
    for run in integration.sync_runs.filter(
        state=SyncRun.State.WAITING, kind=SyncRun.Kind.INSIGHTS
    ):
        pull_insights(run_id=run.pk)


def _click_through(url: str) -> str:
    """Press Continue in the stand-in's login dialog; the code it sends back."""
    asked = dict(parse_qsl(urlsplit(url).query))
    granted = {f"scope:{scope}": "1" for scope in asked["scope"].split(",")}
    form = urlencode({**asked, **granted, "decision": "continue", "person": _stand_in_ana()})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        opener.open(url.partition("?")[0], form.encode(), timeout=10)
    except urllib.error.HTTPError as answer:
        location = answer.headers.get("Location", "")
        return parse_qs(urlsplit(location).query)["code"][0]
    raise RuntimeError("The stand-in's dialog did not send anyone back.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        """Leave the redirect to us."""


def _stand_in_ana() -> str:
    seed = Path(settings.BASE_DIR) / "integrations" / "sandbox" / "seed.json"
    people = json.loads(seed.read_text(encoding="utf-8"))["people"]
    return str(people[0]["id"])


def _read_catalog(integration: Integration) -> None:
    """Do the waiting runs here, so that the first page already shows something."""
    for run in integration.sync_runs.filter(state=SyncRun.State.WAITING, kind=SyncRun.Kind.CATALOG):
        sync_catalog(run_id=run.pk)


def _propose(admin: Actor) -> None:
    key, _secret = create_key(actor=admin, name="Copy agent")
    agent = Actor(ActorKind.AGENT, key.name, admin.tenant_id, key_id=key.pk)
    file = Path(__file__).with_name("demo_variants.json")
    rows: list[Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    targets = dict(PushTarget.objects.filter(tenant_id=admin.tenant_id).values_list("name", "pk"))
    items = [
        VariantInput(
            target_id=str(targets[row["target"]]),
            client_ref=f"spring-{number:02}",
            copy=AdCopy(
                row["primary_text"], row["headline"], row["description"], "", row["call_to_action"]
            ),
            rationale=row["rationale"],
            image=draw_scene(row["image"]) if row["image"] else b"",
        )
        for number, row in enumerate(rows, start=1)
    ]
    propose_variants(
        actor=agent,
        proposal=ProposalInput(
            items=items, run_id=RUN, model=MODEL, brief="Spring collection, weight and weather."
        ),
    )


def _decide(reviewer: Actor) -> None:
    """One approval and one rejection, so that every page has something to show."""
    variants = AdVariant.objects.filter(tenant_id=reviewer.tenant_id).select_related("head")
    approved = variants.get(head__headline="Up early, coffee first")
    rejected = variants.get(head__headline="The poles you asked for")
    approve_variant(
        actor=reviewer, variant_id=approved.pk, shown_hash=_shown(approved), comment="Good, go."
    )
    push_now(actor=reviewer, variant_id=approved.pk)
    reject_variant(
        actor=reviewer,
        variant_id=rejected.pk,
        shown_hash=_shown(rejected),
        reason_code="wrong_claim",
        comment="Only 3 of 40 reviews asked for longer grips.",
    )


def _shown(variant: AdVariant) -> str:
    assert variant.head is not None
    return content_hash(variant.head, variant.target)
