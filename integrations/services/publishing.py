"""The outward writes of a push, one Meta call each, and reading back what they left.

Nothing here decides or stores anything; the caller records its intent before each write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from integrations.meta_ads.ads import build_ad_body, build_creative_body, read_creative
from integrations.meta_ads.errors import ErrorKind, MetaError
from integrations.meta_ads.transport import Observer
from integrations.meta_ads.types import AdCreativeSpec, AdState, CreativeState
from integrations.models import Integration
from integrations.services.allowance import closed_for
from integrations.services.clients import meta_client
from integrations.services.failures import note_failure
from leadmetrics.errors import LeadmetricsError

PAUSED = "PAUSED"
_REFERENCE = re.compile(r"\blm-[0-9a-f]{8}-")


class WriteRefused(LeadmetricsError):
    """Meta said no and nothing was created.

    ``wait_seconds`` is set when the same write may succeed later without anyone changing it.
    """

    def __init__(self, code: str, user_message: str, wait_seconds: float | None) -> None:
        self.code = code
        self.wait_seconds = wait_seconds
        super().__init__(user_message)


class OutcomeUnknown(LeadmetricsError):
    """The write may or may not have happened. It must be looked up, never simply repeated."""

    code = "outcome_unknown"
    user_message = "Meta did not answer, so the ad may exist. It is being looked up."


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What Meta holds: its status, and the content in the form that was approved."""

    ad_id: str
    creative_id: str
    configured_status: str
    effective_status: str
    payload: dict[str, Any]
    image_hash: str
    enrolled: tuple[str, ...] = ()


def require_open(ad_account_id: str) -> None:
    """Raises WriteRefused, as Meta would, while Meta asked to leave the ad account alone."""
    seconds = closed_for(ad_account_id)
    if seconds:
        throttled = MetaError(ErrorKind.THROTTLED, wait_seconds=seconds)
        raise WriteRefused(str(throttled.kind), throttled.user_message, seconds)


def upload_image(
    *,
    integration: Integration,
    ad_account_id: str,
    name: str,
    content: bytes,
    observer: Observer | None = None,
) -> str:
    """Meta's hash of the image. Repeating it is harmless: the same bytes give the same hash."""
    with translated(integration):
        return (
            meta_client(integration, observer)
            .upload_ad_image(ad_account_id, filename=name, content=content)
            .hash
        )


def creative_spec(payload: Mapping[str, Any], *, reference: str, image_hash: str) -> AdCreativeSpec:
    """What an ad creative with exactly this content consists of."""
    return AdCreativeSpec(
        name=reference,
        label=reference,
        page_id=payload["page_id"],
        instagram_user_id=payload["instagram_user_id"],
        message=payload["primary_text"],
        headline=payload["headline"],
        description=payload["description"],
        link=payload["link"],
        call_to_action=payload["call_to_action"],
        image_hash=image_hash,
        url_tags=payload["url_tags"],
    )


def content_in(spec: AdCreativeSpec, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The content in the body that goes over the wire, read by what reads Meta's own answers.

    In the terms of ``payload``, from which only what a creative does not hold is copied.
    """
    body = {"id": "1", **build_creative_body(spec)}
    return {**payload, **content_of(read_creative(body))}


def create_creative(
    *,
    integration: Integration,
    ad_account_id: str,
    spec: AdCreativeSpec,
    observer: Observer | None = None,
) -> str:
    """The id of an ad creative with exactly this content and every text-changing switch off."""
    with translated(integration):
        return meta_client(integration, observer).create_ad_creative(ad_account_id, spec).id


def ad_spec(payload: Mapping[str, Any], *, reference: str, creative_id: str) -> dict[str, str]:
    """What an ad with this content is made of; the rest of the content is in its creative."""
    return {
        "ad_account_id": payload["ad_account_id"],
        "name": ad_name(payload, reference),
        "label": reference,
        "ad_set_id": payload["ad_set_id"],
        "creative_id": creative_id,
    }


def place_in(spec: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Where the ad goes that is sent for ``spec``, in the terms of ``payload``.

    Copied from ``payload`` is what the creative holds, which was compared when that was sent.
    """
    account = spec["ad_account_id"]
    body = build_ad_body(**{name: spec[name] for name in spec if name != "ad_account_id"})
    return {**payload, "ad_account_id": account, "ad_set_id": body["adset_id"]}


def create_paused_ad(
    *, integration: Integration, spec: Mapping[str, str], observer: Observer | None = None
) -> str:
    """The id of the new ad, which is PAUSED; there is no way to ask for anything else."""
    with translated(integration):
        return meta_client(integration, observer).create_ad(**spec).id


def ad_name(payload: Mapping[str, Any], reference: str) -> str:
    """The ad's name in Ads Manager: readable for people, findable for us."""
    return f"{payload['headline'][:60]} · {reference}"


def find_ads(
    *, integration: Integration, payload: Mapping[str, Any], reference: str, creative_id: str
) -> list[str]:
    """Ids of the ads that carry the reference, in label or name.

    If none does, those of the ad set that could be it all the same: with exactly this creative,
    PAUSED, and without the reference of another push. Empty ``creative_id``: it was never created.
    """
    client = meta_client(integration)
    with translated(integration):
        found = client.find_ads(
            payload["ad_account_id"], label=reference, name=ad_name(payload, reference)
        )
        if not found and creative_id:
            ads = client.list_ads_of(payload["ad_set_id"])
            found = tuple(ad for ad in ads if reference in _marks(ad)) or tuple(
                ad
                for ad in ads
                if (ad.creative_id, ad.configured_status) == (creative_id, PAUSED)
                and not _REFERENCE.search(_marks(ad))
            )
    return sorted({ad.id for ad in found})


def _marks(ad: AdState) -> str:
    return " ".join((ad.name, *ad.label_names))


def read_back(
    *,
    integration: Integration,
    payload: Mapping[str, Any],
    ad_id: str,
    observer: Observer | None = None,
) -> ReadBack:
    """The ad as Meta stores it, its content written in the terms of ``payload``, in one call.

    ``image_sha256`` is copied from ``payload``, because Meta knows the picture by its own hash; the
    caller compares ``image_hash`` instead.
    """
    client = meta_client(integration, observer)
    with translated(integration):
        ad, creative = client.get_ad_with_creative(ad_id)
    return ReadBack(
        ad_id=ad.id,
        creative_id=ad.creative_id,
        configured_status=ad.configured_status,
        effective_status=ad.effective_status,
        image_hash=creative.image_hash,
        enrolled=creative.enrolled,
        payload={
            **payload,
            "ad_account_id": ad.account_id,
            "ad_set_id": ad.adset_id,
            **content_of(creative),
        },
    )


def content_of(creative: CreativeState) -> dict[str, Any]:
    """The content of a creative under our own names."""
    return {
        "page_id": creative.page_id,
        "instagram_user_id": creative.instagram_user_id,
        "primary_text": creative.message,
        "headline": creative.headline,
        "description": creative.description,
        "link": _leads_to(creative),
        "call_to_action": creative.call_to_action or "NO_BUTTON",
        "url_tags": creative.url_tags,
    }


def _leads_to(creative: CreativeState) -> str:
    """The address, or both when the button has one of its own, which nobody approved."""
    if creative.cta_link in ("", creative.link):
        return creative.link
    return f"{creative.link} (button: {creative.cta_link})"


def pause_ad(*, integration: Integration, ad_id: str) -> None:
    """Set an ad to PAUSED. Repeatable."""
    with translated(integration):
        meta_client(integration).pause_ad(ad_id)


class translated:
    """Turns the client's errors into the two that a write must tell apart."""

    def __init__(self, integration: Integration) -> None:
        self.integration = integration

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, exc: BaseException | None, _traceback: object) -> None:
        if not isinstance(exc, MetaError):
            return
        note_failure(self.integration, exc)
        if exc.outcome_unknown:
            raise OutcomeUnknown from None
        wait = exc.wait_seconds or _wait(exc.kind)
        raise WriteRefused(str(exc.kind), exc.user_message, wait) from None


def _wait(kind: ErrorKind) -> float | None:
    """For errors that name no time. A throttle always does."""
    if kind in (ErrorKind.TRANSIENT, ErrorKind.UNREADABLE, ErrorKind.TOO_MUCH_DATA):
        return float(settings.PUSH_DOWN_WAIT_SECONDS)
    # After a reconnect the approved content is still the approved content, so the push waits.
    return float(settings.PUSH_HOLD_SECONDS) if kind == ErrorKind.RECONNECT else None
