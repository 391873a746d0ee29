"""Links of ads are opened by a job when that is switched on, and the card says what was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.link_door import Landing, LinkRefused, NoAnswer
from approvals.models import AdVariant, LinkCheck
from approvals.services.links import ask_for_link, note_link, open_links
from approvals.services.review import edit_variant
from approvals.states import VariantStatus
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import live_hash, review, words
from tests.builders import client_for, make_revision

SALE = replace(COPY, headline="Tents from 99 €")


class Door:
    """Answers for the network."""

    def __init__(self, answer: Landing | Exception) -> None:
        self.answer, self.read_links = answer, []

    def read(self, link: str) -> Landing:
        self.read_links.append(link)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def switched_on(settings):
    settings.LINK_CHECKS = True


@pytest.fixture
def as_vera(vera):
    return client_for(vera)


def facts(client, variant) -> str:
    return words(client.get(review("variant", variant)))


def test_nothing_is_opened_unless_switched_on(as_vera, variant):
    open_links(door=(door := Door(Landing(200, COPY.link, ""))))
    assert (LinkCheck.objects.count(), door.read_links) == (0, [])
    assert "link checks are switched off here" in facts(as_vera, variant)


@pytest.mark.usefixtures("switched_on")
def test_a_proposed_link_waits_is_opened_once_and_again_after_a_day(acme, agent, target, as_vera):
    variant = propose(agent, target)
    propose(agent, target, SALE)
    assert "The link is being opened" in facts(as_vera, variant)
    door = Door(Landing(200, COPY.link, "Tents from 99"))
    open_links(door=door)
    open_links(door=door)
    assert door.read_links == [COPY.link]
    assert "The link answers (200)" in facts(as_vera, variant)
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=2))
    ask_for_link(tenant_id=acme.pk, link=COPY.link)
    open_links(door=door)
    assert door.read_links == [COPY.link] * 2


HOST = ("acme.example", "link")
NO_NETWORK = LinkRefused("The link leads into a network that is not public.")


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize(
    ("answer", "said", "flags"),
    [
        (Landing(200, COPY.link, "From 99"), "The page shows the prices and dates of the ad", {}),
        (
            Landing(200, COPY.link, "Tents from 129"),
            "the landing page does not show “99 €”",
            {"price_not_on_page": ("99 €", "headline")},
        ),
        (
            Landing(200, "https://elsewhere.example/", "From 99"),
            "leads on to another site: elsewhere",
            {"link_leads_on": HOST},
        ),
        (Landing(404, COPY.link, "99"), "answers with an error (404)", {"link_error": HOST}),
        (NoAnswer(), "gave no answer within ten seconds", {"link_silent": HOST}),
        (NO_NETWORK, "Link not opened: The link", {"link_not_opened": HOST}),
    ],
)
def test_what_the_link_leads_to_is_a_finding_like_any_other(
    agent, target, as_vera, answer, said, flags
):
    variant = propose(agent, target, SALE)
    open_links(door=Door(answer))
    assert said in facts(as_vera, variant)
    noted = AdVariant.objects.get(pk=variant.pk)
    assert {one["code"]: (one["words"], one["field"]) for one in noted.link_flags} == flags
    assert {one["severity"] for one in noted.link_flags} <= {"warn"}
    assert (noted.updated_at > variant.updated_at) is bool(flags)  # so that agents read it
    found = as_vera.get(review("queue"), {"warnings": "1"}).context["rows"]
    assert [row.variant for row in found] == ([variant] if flags else [])


@pytest.mark.usefixtures("switched_on")
def test_what_is_known_of_a_link_counts_for_every_version_that_leads_there(ben, agent, target):
    propose(agent, target)
    open_links(door=Door(Landing(200, COPY.link, "Tents from 129")))
    variant = propose(agent, target, SALE)
    assert [flag["words"] for flag in variant.link_flags] == ["99 €"]
    edited = edit_variant(
        actor=ben,
        variant_id=variant.pk,
        shown_hash=live_hash(variant),
        copy=replace(SALE, headline="Tents 129 €"),
    )
    assert (edited.link_flags, edited.has_warnings) == ([], False)


@pytest.mark.usefixtures("switched_on")
def test_look_at_a_link_says_nothing_of_a_version_that_came_meanwhile(agent, target):
    variant = propose(agent, target, SALE)
    old = AdVariant.objects.select_related("head", "link_check").get(pk=variant.pk)
    make_revision(variant)
    old.link_check.state = LinkCheck.State.SILENT
    note_link(old, old.link_check)
    assert AdVariant.objects.get(pk=variant.pk).link_flags == []


@pytest.mark.usefixtures("switched_on")
def test_ad_that_is_in_the_ad_account_keeps_its_place_there(agent, target):
    variant = propose(agent, target)
    AdVariant.objects.update(status=VariantStatus.PAUSED)
    open_links(door=Door(NoAnswer()))
    assert AdVariant.objects.get().updated_at == variant.updated_at


@pytest.mark.usefixtures("switched_on")
def test_another_tenants_look_at_the_same_link_is_not_shown(harbour, variant, as_vera):
    open_links(door=Door(Landing(200, COPY.link, "")))
    ask_for_link(tenant_id=harbour.pk, link=COPY.link)
    open_links(door=Door(Landing(404, COPY.link, "")))
    assert "error (404)" not in facts(as_vera, variant)
