"""A hundred approved ads with ten pictures on one ad account, beside the official SDK.

Against a stand-in of its own that takes 100 ms for every answer. The SDK makes pictures, creatives
and ads one after the other, without intents, reading back or proof.
"""

from __future__ import annotations

import io
import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from approvals.content import content_hash
from approvals.limits import AdCopy
from approvals.models import AdVariant, Push
from approvals.services.propose import ProposalInput, VariantInput, propose_variants
from approvals.services.push import push_variant
from approvals.services.review import approve_variant
from approvals.states import PushState
from integrations.sandbox.seed import AD_SET, account_id, object_id
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Role
from tests.bench.measure import Measure, seconds
from tests.bench.pull import sdk, serving
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
from tests.campaign.processes import ACCOUNT, AD_SETS, seed_with_room

ADS, PICTURES, GOAL = 100, 10, 12.0
PAGE, LINK = "110000000000001", "https://shop.example/trail"
ACT = f"act_{account_id(ACCOUNT)}"


def run() -> list[Measure]:
    """The figures of this benchmark."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), seed_with_room()) as base_url,
    ):
        settings.META_API_BASE_URL = base_url
        token = sign_in(base_url)
        pushes = prepare(token)
        ours = seconds(lambda: push_all(pushes))
        theirs = seconds(lambda: sdk_all(base_url, token))
    return [
        Measure(f"push: {ADS} ads, {PICTURES} pictures, read back", ours, "s", GOAL),
        Measure("push: the SDK, without reading back", theirs, "s"),
    ]


def sign_in(base_url: str) -> str:
    """A token of the stand-in's Ana."""
    request = urllib.request.Request(
        f"{base_url}/sandbox/control",
        json.dumps({"sign_in": {"user": "Ana"}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["result"]["sign_in"])


def picture(number: int) -> bytes:
    """A picture that Meta takes, each number another one."""
    out = io.BytesIO()
    Image.new("RGB", (1200, 628), (20 * number % 256, 90, 140)).save(out, "PNG")
    return out.getvalue()


def prepare(token: str) -> list[Push]:
    """Approved ads of one ad account, five ad sets, ten pictures."""
    tenant = make_tenant("push-bench", "Push bench", undo_minutes=0)
    account = make_ad_account(make_integration(tenant, token=token), ad_account_id=ACT)
    page = make_page(account.integration, page_id=PAGE)
    campaign = make_campaign(account)
    targets = [
        make_push_target(
            tenant,
            ad_set=make_ad_set(campaign, ad_set_id=object_id(ACCOUNT, AD_SET, number + 1)),
            page=page,
        )
        for number in range(5)
    ]
    agent = Actor(ActorKind.AGENT, "Copy agent", tenant.pk, key_id=1)
    items = [
        VariantInput(
            str(targets[number % 5].pk),
            AdCopy(f"Roots, rock, rain: {number}.", f"Trail shoes {number}", "", LINK, "SHOP_NOW"),
            f"b{number}",
            image=picture(number % PICTURES),
        )
        for number in range(ADS)
    ]
    propose_variants(actor=agent, proposal=ProposalInput(items=items))
    reviewer = make_member(tenant, "Ben", Role.REVIEWER)
    for variant in AdVariant.objects.filter(tenant=tenant).select_related("head", "target"):
        approve_variant(
            actor=reviewer,
            variant_id=variant.pk,
            shown_hash=content_hash(variant.head, variant.target),
        )
    return list(Push.objects.filter(variant__tenant=tenant))


def push_all(pushes: list[Push]) -> None:
    """As one worker does it: each job's call, most of which find nothing left to do."""
    for push in pushes:
        push_variant(push_id=push.pk)
    states = set(Push.objects.filter(pk__in=[p.pk for p in pushes]).values_list("state", flat=True))
    assert states == {PushState.DONE}, states


def sdk_all(base_url: str, token: str) -> None:
    """The same ads, the straight way, into other ad sets."""
    with sdk(base_url, token) as api:
        from facebook_business.adobjects.adaccount import AdAccount as SdkAccount

        account = SdkAccount(ACT, api=api)
        hashes = [_upload(account, number) for number in range(PICTURES)]
        for number in range(ADS):
            creative = account.create_ad_creative(
                params={"name": f"sdk {number}", "object_story_spec": _story(number, hashes)}
            )
            account.create_ad(
                params={
                    "name": f"sdk {number}",
                    "adset_id": object_id(ACCOUNT, AD_SET, AD_SETS - number % 5),
                    "creative": {"creative_id": creative["id"]},
                    "status": "PAUSED",
                }
            )


def _upload(account: Any, number: int) -> str:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(picture(number + 100))
        file.flush()
        return str(account.create_ad_image(params={"filename": file.name})["hash"])


def _story(number: int, hashes: list[str]) -> dict[str, Any]:
    return {
        "page_id": PAGE,
        "link_data": {
            "message": f"SDK {number}.",
            "name": f"SDK {number}",
            "link": LINK,
            "image_hash": hashes[number % PICTURES],
            "call_to_action": {"type": "SHOP_NOW", "value": {"link": LINK}},
        },
    }
