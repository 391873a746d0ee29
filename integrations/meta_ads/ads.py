"""Writing creatives and ads, finding them again, and reading back what Meta stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from integrations.meta_ads.enhancements import build_degrees_of_freedom_spec
from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.paging import pages
from integrations.meta_ads.parse import (
    Json,
    read_id,
    read_list,
    read_name,
    read_object,
    read_optional_id,
    read_text,
)
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import (
    AccessToken,
    AdCreativeSpec,
    AdState,
    CreatedObject,
    CreativeState,
    ImageUpload,
)

NO_BUTTON = "NO_BUTTON"
BY_DEFAULT = "what Meta does by default"
AD_FIELDS = (
    "id,name,account_id,adset_id,creative{id},configured_status,effective_status,adlabels{name}"
)
CREATIVE_FIELDS = "id,name,object_story_spec,url_tags,degrees_of_freedom_spec"
AD_WITH_CREATIVE = AD_FIELDS.replace("creative{id}", f"creative{{{CREATIVE_FIELDS}}}")
# Deleted objects cannot be filtered for; everything else may hold an ad of ours.
LISTABLE_STATUSES = [
    "ACTIVE",
    "PAUSED",
    "PENDING_REVIEW",
    "DISAPPROVED",
    "PREAPPROVED",
    "PENDING_BILLING_INFO",
    "CAMPAIGN_PAUSED",
    "ADSET_PAUSED",
    "ARCHIVED",
    "IN_PROCESS",
    "WITH_ISSUES",
]


def upload_ad_image(
    transport: Transport, token: AccessToken, ad_account_id: str, *, filename: str, content: bytes
) -> ImageUpload:
    """The image's hash in this ad account; the same bytes give the same hash."""
    # Marketing API reference: Ad Account, Adimages
    answer = transport.post(
        f"{ad_account_id}/adimages", {}, token, files={"filename": (filename, content)}
    )
    with _open_outcome():
        for name, image in read_object(answer.get("images")).items():
            image_hash = read_text(read_object(image).get("hash"), 64)
            if image_hash:
                return ImageUpload(image_hash, read_name(name))
        raise Unreadable


def create_ad_creative(
    transport: Transport, token: AccessToken, ad_account_id: str, spec: AdCreativeSpec
) -> CreatedObject:
    """A new creative, or the existing one with the same content, which Meta then gives back."""
    # Marketing API reference: Ad Account, Adcreatives
    return _created(
        transport.post(f"{ad_account_id}/adcreatives", build_creative_body(spec), token)
    )


def build_creative_body(spec: AdCreativeSpec) -> dict[str, Any]:
    """What is sent for a new creative."""
    body: dict[str, Any] = {
        "name": spec.name,
        "object_story_spec": build_object_story_spec(spec),
        "degrees_of_freedom_spec": build_degrees_of_freedom_spec(),
    }
    if spec.url_tags:
        body["url_tags"] = spec.url_tags
    if spec.label:
        body["adlabels"] = [{"name": spec.label}]
    return body


def build_object_story_spec(spec: AdCreativeSpec) -> dict[str, Any]:
    """The Page post of a link ad; the button leads to the same link as the ad."""
    link_data: dict[str, Any] = {
        "message": spec.message,
        "name": spec.headline,
        "link": spec.link,
    }
    if spec.description:
        link_data["description"] = spec.description
    if spec.image_hash:
        link_data["image_hash"] = spec.image_hash
    if spec.call_to_action != NO_BUTTON:
        link_data["call_to_action"] = {"type": spec.call_to_action, "value": {"link": spec.link}}
    story: dict[str, Any] = {"page_id": spec.page_id, "link_data": link_data}
    if spec.instagram_user_id:
        story["instagram_user_id"] = spec.instagram_user_id
    return story


def create_ad(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    *,
    name: str,
    ad_set_id: str,
    creative_id: str,
    label: str = "",
) -> CreatedObject:
    """A new ad, always PAUSED. There is no way to ask for another status."""
    # Marketing API reference: Ad Account, Ads
    body = build_ad_body(name=name, ad_set_id=ad_set_id, creative_id=creative_id, label=label)
    return _created(transport.post(f"{ad_account_id}/ads", body, token))


def build_ad_body(*, name: str, ad_set_id: str, creative_id: str, label: str) -> dict[str, Any]:
    """What is sent for a new ad."""
    body: dict[str, Any] = {
        "name": name,
        "adset_id": ad_set_id,
        "creative": {"creative_id": creative_id},
        "status": "PAUSED",
    }
    if label:
        body["adlabels"] = [{"name": label}]
    return body


def validate_ad(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    spec: AdCreativeSpec,
    *,
    ad_set_id: str,
) -> None:
    """Let Meta check an ad without creating anything. Raises MetaError with what it objects to."""
    # Marketing API reference: Ad Account, Ads: execution_options
    body: dict[str, Any] = {
        "name": spec.name,
        "adset_id": ad_set_id,
        "creative": {
            "name": spec.name,
            "object_story_spec": build_object_story_spec(spec),
            "degrees_of_freedom_spec": build_degrees_of_freedom_spec(),
        },
        "status": "PAUSED",
        "execution_options": ["validate_only"],
    }
    transport.post(f"{ad_account_id}/ads", body, token)


def pause_ad(transport: Transport, token: AccessToken, ad_id: str) -> None:
    """Set an ad to PAUSED; repeating it changes nothing."""
    # Marketing API reference: Ad
    transport.post(ad_id, {"status": "PAUSED"}, token)


def get_ad(transport: Transport, token: AccessToken, ad_id: str) -> AdState:
    """The ad as it is stored now."""
    # Marketing API reference: Ad
    return transport.read(ad_id, {"fields": AD_FIELDS}, token, _ad)


def get_ad_with_creative(
    transport: Transport, token: AccessToken, ad_id: str
) -> tuple[AdState, CreativeState]:
    """The ad and its creative as they are stored now, in one call."""
    # Marketing API reference: Ad
    return transport.read(ad_id, {"fields": AD_WITH_CREATIVE}, token, _ad_with_creative)


def get_creative(transport: Transport, token: AccessToken, creative_id: str) -> CreativeState:
    """The creative's content as it is stored now."""
    # Marketing API reference: Ad Creative
    return transport.read(creative_id, {"fields": CREATIVE_FIELDS}, token, read_creative)


def read_creative(answer: Json) -> CreativeState:
    """The content of a creative, in Meta's answer or in the body that we send."""
    story = read_object(answer.get("object_story_spec"))
    link_data = read_object(story.get("link_data"))
    button = read_object(link_data.get("call_to_action"))
    return CreativeState(
        id=read_id(answer.get("id")),
        name=read_text(answer.get("name")),
        page_id=read_optional_id(story.get("page_id")),
        message=read_text(link_data.get("message")),
        headline=read_text(link_data.get("name")),
        description=read_text(link_data.get("description")),
        link=read_text(link_data.get("link")),
        call_to_action=read_text(button.get("type")),
        cta_link=read_text(read_object(button.get("value")).get("link")),
        image_hash=read_text(link_data.get("image_hash")),
        url_tags=read_text(answer.get("url_tags")),
        instagram_user_id=read_optional_id(story.get("instagram_user_id")),
        enrolled=_enrolled(answer),
    )


def _enrolled(creative: Json) -> tuple[str, ...]:
    """The enhancements that are switched on. Dead keys come back too; only OPT_IN counts.

    A creative without any switches gets Meta's default behaviour, which may alter its text.
    """
    freedom = read_object(creative.get("degrees_of_freedom_spec"))
    features = read_object(freedom.get("creative_features_spec"))
    if not features:
        return (BY_DEFAULT,)
    return tuple(
        sorted(
            read_text(name, 100)
            for name, feature in features.items()
            if read_object(feature).get("enroll_status") == "OPT_IN"
        )
    )


def find_ads(
    transport: Transport, token: AccessToken, ad_account_id: str, *, label: str, name: str
) -> tuple[AdState, ...]:
    """The ads with exactly this name, or, if there is none, with this label.

    The name is one cheap call but its filter is not in the reference; labels are, but an account
    can have many thousands. Empty means that neither way shows an ad.
    """
    return _by_name(transport, token, ad_account_id, name) or _by_label(
        transport, token, ad_account_id, label
    )


def list_ads_of(transport: Transport, token: AccessToken, ad_set_id: str) -> tuple[AdState, ...]:
    """The ads of an ad set that are not deleted."""
    # Marketing API reference: Ad Set, Ads
    params = {"fields": AD_FIELDS, "effective_status": LISTABLE_STATUSES}
    found = pages(transport, f"{ad_set_id}/ads", params, token)
    return tuple(_ad(read_object(item)) for items, _ in found for item in items)


def find_creatives(
    transport: Transport, token: AccessToken, ad_account_id: str, *, label: str
) -> tuple[CreatedObject, ...]:
    """Ids of the creatives with this label."""
    # Marketing API reference: Ad Account, Adcreativesbylabels
    label_id = _label_id(transport, token, ad_account_id, label)
    if not label_id:
        return ()
    params = {"ad_label_ids": [label_id], "fields": "id"}
    found = pages(transport, f"{ad_account_id}/adcreativesbylabels", params, token)
    return tuple(
        CreatedObject(read_id(read_object(item).get("id"))) for items, _ in found for item in items
    )


def _by_label(
    transport: Transport, token: AccessToken, ad_account_id: str, label: str
) -> tuple[AdState, ...]:
    # Marketing API reference: Ad Account, Adsbylabels
    label_id = _label_id(transport, token, ad_account_id, label)
    if not label_id:
        return ()
    params = {"ad_label_ids": [label_id], "fields": AD_FIELDS}
    found = pages(transport, f"{ad_account_id}/adsbylabels", params, token)
    return tuple(_ad(read_object(item)) for items, _ in found for item in items)


def _label_id(transport: Transport, token: AccessToken, ad_account_id: str, label: str) -> str:
    # Marketing API reference: Ad Account, Adlabels
    fields = {"fields": "id,name"}
    for items, _ in pages(transport, f"{ad_account_id}/adlabels", fields, token, limit=500):
        for item in map(read_object, items):
            if item.get("name") == label:
                return read_id(item.get("id"))
    return ""


def _by_name(
    transport: Transport, token: AccessToken, ad_account_id: str, name: str
) -> tuple[AdState, ...]:
    # Marketing API reference: Ad Account, Ads
    params = {
        "fields": AD_FIELDS,
        "filtering": [{"field": "name", "operator": "EQUAL", "value": name}],
        "effective_status": LISTABLE_STATUSES,
    }
    found = pages(transport, f"{ad_account_id}/ads", params, token)
    return tuple(
        ad for items, _ in found for ad in map(_ad, map(read_object, items)) if ad.name == name
    )


def _created(answer: Json) -> CreatedObject:
    with _open_outcome():
        return CreatedObject(read_id(answer.get("id")))


@contextmanager
def _open_outcome() -> Iterator[None]:
    """An answer to a write that cannot be read leaves open whether it happened."""
    try:
        yield
    except Unreadable:
        raise Unreadable(outcome_unknown=True) from None


def _ad_with_creative(answer: Json) -> tuple[AdState, CreativeState]:
    return _ad(answer), read_creative(read_object(answer.get("creative")))


def _ad(item: Json) -> AdState:
    account_id = read_id(item.get("account_id"))
    return AdState(
        id=read_id(item.get("id")),
        name=read_text(item.get("name")),
        adset_id=read_id(item.get("adset_id")),
        account_id=f"act_{account_id}",
        creative_id=read_id(read_object(item.get("creative")).get("id")),
        configured_status=read_text(item.get("configured_status")),
        effective_status=read_text(item.get("effective_status")),
        label_names=tuple(
            read_text(read_object(label).get("name")) for label in read_list(item.get("adlabels"))
        ),
    )
