"""What needs the installation's own database: a process that answers questions, one a line.

prepare N   a tenant with N proposed variants; {slug, email, password, variants: [[id, hash]]}
states      how many pushes are in each state
doubled     how many approvals have more than one ad by now; 0 when nobody answers
stop WHERE  stops sending, "here" by the tenant's admin or "everywhere" by support
resume      lets it go on
check       compares everything with the stand-in's books; {violations, figures}
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from approvals.invariants import Ledger

PASSWORD = "campaign-only-password"


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    for line in sys.stdin:
        word, *rest = line.split()
        answer = QUESTIONS[word](*rest)
        print(json.dumps(answer), flush=True)


def prepare(count: str) -> dict[str, Any]:
    """A connected tenant, its targets, its reviewer, and what there is to review."""
    from approvals.content import content_hash
    from approvals.limits import AdCopy
    from approvals.models import AdVariant
    from approvals.services.propose import ProposalInput, VariantInput, propose_variants
    from integrations.sandbox.seed import AD_SET, account_id, object_id
    from leadmetrics.demo_images import draw_scene
    from leadmetrics.tenancy.actors import Actor, ActorKind
    from leadmetrics.tenancy.models import Role, User
    from tests.builders import (
        make_ad_account,
        make_ad_set,
        make_campaign,
        make_integration,
        make_member,
        make_page,
        make_push_target,
        make_tenant,
    )
    from tests.campaign.processes import ACCOUNT, AD_SETS

    tenant = make_tenant("campaign", "Campaign", undo_minutes=0)
    token = control(sign_in={"user": "Ana"})["result"]["sign_in"]
    integration = make_integration(tenant, token=token)
    account = make_ad_account(integration, ad_account_id=f"act_{account_id(ACCOUNT)}")
    page, campaign = make_page(integration, page_id="110000000000001"), make_campaign(account)
    targets = [
        make_push_target(
            tenant,
            ad_set=make_ad_set(campaign, ad_set_id=object_id(ACCOUNT, AD_SET, number + 1)),
            page=page,
            name=f"Ad set {number}",
        )
        for number in range(AD_SETS)
    ]
    reviewer = make_member(tenant, "Ben", Role.REVIEWER)
    user = User.objects.get(pk=reviewer.user_id)
    user.set_password(PASSWORD)
    user.save()
    pictures = [draw_scene(name) for name in ("ridge", "lake", "forest")]
    items = [
        VariantInput(
            str(targets[number % AD_SETS].pk),
            AdCopy(
                f"Roots, rock, rain: number {number}.",
                f"Trail shoes {number}",
                "",
                "https://shop.example/trail",
                "SHOP_NOW",
            ),
            f"c{number}",
            image=pictures[number % 3] if number % 5 == 0 else b"",
        )
        for number in range(int(count))
    ]
    agent = Actor(ActorKind.AGENT, "Copy agent", tenant.pk, key_id=1)
    for start in range(0, len(items), 100):
        propose_variants(actor=agent, proposal=ProposalInput(items=items[start : start + 100]))
    variants = AdVariant.objects.select_related("head", "target").order_by("created_at")
    return {
        "slug": tenant.slug,
        "email": user.email,
        "password": PASSWORD,
        "variants": [[str(v.pk), content_hash(v.head, v.target)] for v in variants],
    }


def states() -> dict[str, Any]:
    """Push states and their numbers, and how many variants are still to be decided."""
    from django.db.models import Count

    from approvals.models import AdVariant, Push

    rows = Push.objects.values_list("state").annotate(Count("pk"))
    return {**dict(rows), "proposed": AdVariant.objects.filter(status="proposed").count()}


def stop(where: str) -> bool:
    """Stop sending; True once that is committed."""
    from approvals.services.stops import stop_all_writes, stop_writes
    from leadmetrics.tenancy.actors import human
    from leadmetrics.tenancy.models import Membership, Role

    if where == "everywhere":
        stop_all_writes(person="Sam", reason="Stop!")
    else:
        member = Membership.objects.select_related("user", "tenant").get()
        Membership.objects.update(role=Role.ADMIN)
        stop_writes(actor=human(member.user, member.tenant), reason="Stop!")
    return True


def resume() -> bool:
    """Let sending go on everywhere."""
    from approvals.models import WriteStop
    from approvals.services.push import sweep_pushes

    WriteStop.objects.all().delete()
    sweep_pushes()
    return True


def doubled() -> int:
    """How many approvals have more than one ad at the stand-in; 0 while that is down."""
    from tests.ledger import ledger_of

    try:
        held = _held(ledger_of(read("state"), []))
    except (OSError, ValueError):
        return 0
    return sum(count > 1 for count in held.values())


def check() -> dict[str, Any]:
    """The invariants, and the campaign's figures."""
    from approvals.invariants import violations
    from approvals.models import Push
    from approvals.states import PushState
    from tests.ledger import ledger_of

    state, writes = read("state"), read("writes")["writes"]
    ledger = ledger_of(state, writes)
    pushes = list(Push.objects.prefetch_related("steps"))
    held = _held(ledger)
    done = [push for push in pushes if push.state == PushState.DONE]
    finished = [push.finished_at for push in done if push.finished_at]
    return {
        "violations": violations(ledger),
        "figures": {
            "pushes": len(pushes),
            "ads at Meta": len(ledger.ads),
            "doubled": sum(count > 1 for count in held.values()),
            "lost": sum(
                push.state not in (PushState.DONE, PushState.FAILED)
                or (push.state == PushState.DONE and push.reference not in held)
                for push in pushes
            ),
            "not paused": sum(ad["status"] != "PAUSED" for ad in ledger.ads),
            "waiting for a person": len(pushes) - len(done),
            "claims": sum(push.fence for push in pushes),
            "ad writes looked up": sum(
                step.kind == "ad" and step.state in ("absent", "unknown")
                for push in pushes
                for step in push.steps.all()
            ),
        },
        "last": max(finished, default=datetime.now(UTC)).timestamp(),
        "people": sorted({push.problem_code for push in pushes if push not in done}),
    }


def _held(ledger: Ledger) -> Counter[str]:
    """How many ads each approval has at the stand-in, by the reference in their names."""
    return Counter(ad["name"].rpartition(" · ")[2] for ad in ledger.ads)


def control(**switches: Any) -> Any:
    """Flip switches of the stand-in."""
    from django.conf import settings

    request = urllib.request.Request(
        f"{settings.META_API_BASE_URL}/sandbox/control",
        json.dumps(switches).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def read(path: str) -> Any:
    """One of the stand-in's own pages."""
    from django.conf import settings

    with urllib.request.urlopen(
        f"{settings.META_API_BASE_URL}/sandbox/{path}", timeout=30
    ) as response:
        return json.load(response)


QUESTIONS: dict[str, Callable[..., Any]] = {
    "prepare": prepare,
    "states": states,
    "stop": stop,
    "resume": resume,
    "doubled": doubled,
    "check": check,
}

if __name__ == "__main__":
    main()
