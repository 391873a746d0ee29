"""Whether a push target can take one more ad, asked of Meta; the same checks wherever we ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.meta_ads.types import AccountState, AdSetPlan
from integrations.models import AdAccount, PushTarget
from integrations.services.pacing import account_client
from integrations.services.publishing import WriteRefused, creative_spec, translated

# Marketing API, Limits: an ad set holds at most 50 ads that are not deleted.
MOST_ADS = 50
# Where the Digital Services Act asks who benefits from an ad and who pays for it.
_DSA_COUNTRIES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    ]
)
# How Meta answers for an object that is not there or that this person does not see.
_UNREADABLE = ("refused_by_meta", "permission_missing")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an ad from being created here, in words."""

    code: str
    words: str

    def as_json(self) -> dict[str, str]:
        """For storing."""
        return {"code": self.code, "words": self.words}


def look_at_place(target: PushTarget) -> list[Obstacle]:
    """Every obstacle that Meta or the stored catalog shows; empty when an ad can be created.

    Two reads. Raises LeadmetricsError when Meta or the grant does not let us look.
    """
    account, page = target.ad_account, target.page
    with translated(account.integration):
        client = account_client(account)
        state = client.get_account_state(account.ad_account_id)
    found = [*_of_account(account, state)]
    if page.gone_at or not page.can_advertise:
        words = f"The connected person may not advertise for the Page {page.name}."
        found.append(Obstacle("page_unusable", words))
    try:
        with translated(account.integration):
            ad_set = client.get_ad_set_plan(target.ad_set.ad_set_id, count_to=MOST_ADS)
    except WriteRefused as exc:
        if exc.code not in _UNREADABLE:
            raise
        return [*found, _missing(target)]
    return [*found, *_of_ad_set(target, ad_set, state)]


def validate(target: PushTarget, payload: Mapping[str, Any], name: str) -> str:
    """What Meta's dry run says against this ad; empty when it says nothing. Creates nothing.

    A pass is not an approval: Meta reviews the real ad all the same. Raises LeadmetricsError when
    Meta could not be asked.
    """
    integration = target.ad_account.integration
    spec = creative_spec(payload, reference=name, image_hash="")
    try:
        with translated(integration):
            account_client(target.ad_account).validate_ad(
                target.ad_account.ad_account_id, spec, ad_set_id=target.ad_set.ad_set_id
            )
    except WriteRefused as exc:
        if exc.code != "refused_by_meta":
            raise
        return exc.user_message
    return ""


def _of_account(account: AdAccount, state: AccountState) -> list[Obstacle]:
    if state.account_status in AdAccount.RUNS_ADS:
        return []
    labels = dict(AdAccount.AccountStatus.choices)
    label = str(labels.get(state.account_status, f"status {state.account_status}")).lower()
    return [Obstacle("account_stopped", f"The ad account {account.name} cannot run ads: {label}.")]


def _of_ad_set(target: PushTarget, ad_set: AdSetPlan, state: AccountState) -> list[Obstacle]:
    if ad_set.status in ("ARCHIVED", "DELETED"):
        return [_missing(target)]
    found = []
    if ad_set.account_id != target.ad_account.ad_account_id:
        found.append(
            Obstacle("ad_set_elsewhere", f"The ad set {ad_set.name} is in another ad account.")
        )
    if ad_set.is_dynamic_creative:
        words = f"The ad set {ad_set.name} takes dynamic creatives only."
        found.append(Obstacle("ad_set_dynamic", words))
    if ad_set.ads >= MOST_ADS:
        words = f"The ad set {ad_set.name} is full: it holds {MOST_ADS} ads, the most Meta allows."
        found.append(Obstacle("ad_set_full", words))
    has_all = (ad_set.dsa_beneficiary or state.dsa_beneficiary) and (
        ad_set.dsa_payor or state.dsa_payor
    )
    if _DSA_COUNTRIES.intersection(ad_set.countries) and not has_all:
        words = (
            f"The ad set {ad_set.name} reaches the EU and does not declare who benefits and who "
            "pays."
        )
        found.append(Obstacle("declaration_missing", words))
    return found


def _missing(target: PushTarget) -> Obstacle:
    words = f"The ad set {target.ad_set.name} is no longer in the ad account."
    return Obstacle("ad_set_missing", words)
