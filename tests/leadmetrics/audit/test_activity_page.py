"""Who may open the activity page, and how it reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.test import Client

from leadmetrics.audit.log import record
from leadmetrics.tenancy.actors import Actor, ActorKind
from leadmetrics.tenancy.models import Tenant
from tests.builders import make_push_target, make_variant

URL = "/t/acme/activity/"


def words_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_members_only_and_no_other_methods(
    acme: Tenant, client: Client, as_olga: Client, as_vera: Client
) -> None:
    assert client.get(URL).headers["Location"] == f"/sign-in/?next={URL}"
    assert as_olga.get(URL).status_code == 404
    assert as_olga.post(URL).status_code == 404
    assert as_vera.put(URL).status_code == 405
    assert as_vera.delete(URL).status_code == 405


def test_an_empty_log_says_what_will_stand_there(acme: Tenant, as_vera: Client) -> None:
    assert "Nothing has happened yet" in words_of(as_vera.get(URL))


def test_an_empty_filter_offers_everything(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    with transaction.atomic():
        record(ana, "policy.changed", acme)

    page = as_vera.get(URL, {"kind": "keys"})

    assert "Nothing fits this filter" in words_of(page)
    assert f'href="{URL}">Show all' in page.content.decode()


def test_an_entry_reads_as_a_sentence_with_its_data(
    acme: Tenant, ben: Actor, as_vera: Client
) -> None:
    agent = Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=1)
    with transaction.atomic():
        record(agent, "proposal.received", acme, {"proposed": 3, "refused": 1, "variants": ["a"]})
        record(
            ben,
            "variant.approved",
            acme,
            {
                "revision": 2,
                "headline": "Tents from 1.9 kg",
                "content_hash": "9f" * 32,
                "reviewer_was_author": False,
                "comment": "",
            },
        )

    words = words_of(as_vera.get(URL))

    assert "Ben approved version 2 of “Tents from 1.9 kg”" in words
    assert "Reviewer was author no" in words
    assert "Comment" not in words  # empty values say nothing
    assert "Copy agent (agent) proposed ad copy: 3 taken, 1 refused" in words


def test_an_unknown_act_shows_its_name_plainly(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    with transaction.atomic():
        record(ana, "rocket.launched", acme)

    assert "Ana rocket.launched on the workspace" in words_of(as_vera.get(URL))


def test_someone_who_left_can_still_be_filtered_by_a_link(
    acme: Tenant, ben: Actor, as_vera: Client
) -> None:
    with transaction.atomic():
        record(ben, "policy.changed", acme)
    type(acme).objects.get(pk=acme.pk).memberships.filter(user_id=ben.user_id).delete()

    page = as_vera.get(URL)
    assert f'href="?who=u{ben.user_id}"' in page.content.decode()
    filtered = as_vera.get(URL, {"who": f"u{ben.user_id}"})
    assert f'<option value="u{ben.user_id}" selected>Ben</option>' in filtered.content.decode()


def test_an_entry_about_an_ad_leads_to_it(acme: Tenant, ben: Actor, as_vera: Client) -> None:
    variant = make_variant(make_push_target(acme))
    with transaction.atomic():
        record(ben, "variant.edited", variant)

    page = as_vera.get(URL).content.decode()

    assert f'href="/t/acme/ads/{variant.pk}/"' in page
    assert f'href="?type=advariant&amp;id={variant.pk}"' in page


def test_times_in_the_data_are_readable(acme: Tenant, ana: Actor, as_vera: Client) -> None:
    moment = datetime(2027, 2, 22, 10, 57, 59, 496000, tzinfo=UTC)
    with transaction.atomic():
        record(ana, "key.created", acme, {"expires_at": moment, "name": "2027-99-99T99:99:99Z"})

    words = words_of(as_vera.get(URL))

    assert "Expires at 22 Feb 2027, 10:57 UTC" in words
    assert "Name 2027-99-99T99:99:99Z" in words
