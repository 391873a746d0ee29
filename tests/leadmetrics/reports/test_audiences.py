from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.models import CustomAudience, SyncRun
from leadmetrics.reports import paging
from leadmetrics.reports.audiences import audience_size, audience_state
from leadmetrics.tenancy.models import Tenant
from tests.leadmetrics.reports.pages import text_of
from tests.leadmetrics.reports.worlds import NOW, make_account

URL = "/t/acme/audiences/"


def names_of(response: Any) -> list[str]:
    return re.findall(r'class="table__main"><bdi>(.*?)</bdi>', response.content.decode())


@pytest.mark.parametrize(
    ("delivery", "operation", "label"),
    [
        (200, 200, "Ready"),
        (200, 0, "Ready"),
        (200, None, "Ready"),
        (300, 200, "Too small"),
        (300, None, "Too small"),
        (200, 100, "Expires soon"),
        (200, 471, "Flagged"),
        (400, 471, "Flagged"),
        (400, 200, "Cannot be used"),
        (450, 441, "Cannot be used"),
        (300, 441, "Being filled"),
        (200, 411, "Few matches"),
        (200, 500, "Broken"),
        (200, 499, "Needs a look"),
        (None, None, "Not known"),
        (None, 200, "Not known"),
    ],
)
def test_codes_become_words(delivery: int | None, operation: int | None, label: str) -> None:
    audience = CustomAudience(delivery_code=delivery, operation_code=operation)

    assert audience_state(audience).label == label


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (12000, 14000, "12,000 to 14,000 people"),
        (0, 1000, "Fewer than 1,000 people"),
        (1000, 1000, "Fewer than 1,000 people"),
        (5000, 5000, "About 5,000 people"),
        (-1, -1, ""),
        (None, None, ""),
    ],
)
def test_bounds_become_a_band_in_words(low: int | None, high: int | None, words: str) -> None:
    assert audience_size(CustomAudience(lower_bound=low, upper_bound=high)) == words


def test_only_audiences_of_enabled_accounts_that_still_exist_are_listed(
    acme: Tenant, as_vera: Client
) -> None:
    used = make_account(acme)
    unused = make_account(acme, enabled=False)
    theirs = make_account(Tenant.objects.create(slug="other", name="Other"))
    for account, name, gone in (
        (used, "Kept", None),
        (used, "Gone", NOW),
        (unused, "Unused", None),
        (theirs, "Theirs", None),
    ):
        CustomAudience.objects.create(
            ad_account=account, audience_id=name, name=name, subtype="CUSTOM", gone_at=gone
        )

    assert names_of(as_vera.get(URL)) == ["Kept"]


def test_what_was_deleted_at_meta_is_kept_and_says_so(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    for name, gone in (("Kept", None), ("Gone", NOW)):
        CustomAudience.objects.create(
            **{"ad_account": account, "audience_id": name, "name": name, "subtype": "CUSTOM"},
            **{"delivery_code": 200, "gone_at": gone},
        )

    gone = as_vera.get(URL, {"gone": "1"})

    assert names_of(gone) == ["Gone"]
    assert "Archived or deleted at Meta" in text_of(gone)
    assert "Ready" not in text_of(gone)
    assert f'href="{URL}?gone=1"' in as_vera.get(URL).content.decode()
    CustomAudience.objects.filter(name="Gone").delete()
    assert "Nothing is gone" in text_of(as_vera.get(URL, {"gone": "1"}))


def test_search_finds_names_and_ids(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    for number, name in enumerate(("Purchasers 180 days", "Newsletter", "Basket")):
        CustomAudience.objects.create(
            ad_account=account, audience_id=f"77{number}", name=name, subtype="CUSTOM"
        )

    assert names_of(as_vera.get(URL, {"q": "purchas"})) == ["Purchasers 180 days"]
    assert names_of(as_vera.get(URL, {"q": "772"})) == ["Basket"]
    nothing = as_vera.get(URL, {"q": "zzz"})
    assert "No audience fits" in text_of(nothing)
    assert 'value="zzz"' in nothing.content.decode()


def test_pages_go_on_by_key_and_back(
    acme: Tenant, as_vera: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PER_PAGE", 5)
    account = make_account(acme)
    CustomAudience.objects.bulk_create(
        CustomAudience(
            ad_account=account, audience_id=str(n), name=f"Audience {n // 2:03}", subtype="CUSTOM"
        )
        for n in range(12)
    )

    def linked(page: Any, rel: str) -> Any:
        (url,) = re.findall(rf'rel="{rel}" href="(.*?)"', page.content.decode())
        return as_vera.get(url.replace("&amp;", "&"))

    first = as_vera.get(URL)
    second = linked(first, "next")
    third = linked(second, "next")
    seen = [name for page in (first, second, third) for name in names_of(page)]
    assert seen == [f"Audience {n // 2:03}" for n in range(12)]
    assert 'rel="next"' not in third.content.decode()
    assert names_of(linked(linked(third, "prev"), "prev")) == names_of(first)
    assert 'rel="prev"' not in linked(linked(third, "prev"), "prev").content.decode()


@pytest.mark.parametrize("place", ["x", "-1", "99999999999999999999999", "7"])
def test_a_cursor_that_is_not_ours_shows_the_first_page(
    acme: Tenant, as_vera: Client, place: str
) -> None:
    CustomAudience.objects.create(
        ad_account=make_account(acme), audience_id="1", name="Only one", subtype="CUSTOM"
    )

    assert names_of(as_vera.get(URL, {"after": place})) == ["Only one"]


def test_empty_pages_say_why(acme: Tenant, as_vera: Client, as_ana: Client) -> None:
    assert "connects Facebook" in text_of(as_vera.get(URL))
    assert 'href="/t/acme/connections/"' in as_ana.get(URL).content.decode()

    make_account(acme)
    assert "No custom audiences yet" in text_of(as_vera.get(URL))


def test_the_page_says_when_the_catalog_was_read(acme: Tenant, as_vera: Client) -> None:
    account = make_account(acme)
    for state, hours in (("complete", 2), ("failed", 1)):
        SyncRun.objects.create(
            tenant=acme,
            integration=account.integration,
            kind="catalog",
            state=state,
            finished_at=NOW - timedelta(hours=hours),
        )

    assert "as of 08:30" in text_of(as_vera.get(URL))  # 07:30 UTC in Berlin


def test_queries_do_not_grow_with_the_rows(
    acme: Tenant, as_vera: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        CustomAudience.objects.create(
            ad_account=make_account(acme), audience_id=str(number), name="A", subtype="CUSTOM"
        )

    with django_assert_max_num_queries(11):
        assert len(names_of(as_vera.get(URL))) == 8
