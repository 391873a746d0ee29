"""Links of ads are opened by a job when that is switched on, and the card says what was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.link_door import Landing, LinkRefused, NoAnswer
from approvals.models import LinkCheck
from approvals.services.links import ask_for_link, open_links
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import review, words
from tests.builders import client_for

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


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Landing(200, COPY.link, "Tents from 99"), "The page shows the prices and dates of the ad"),
        (Landing(200, COPY.link, "Tents from 129"), "the landing page does not show “99 €”"),
        (Landing(200, "https://elsewhere.example/", ""), "leads on to another site: elsewhere"),
        (Landing(404, COPY.link, "Tents from 99"), "answers with an error (404)"),
        (NoAnswer(), "gave no answer within ten seconds"),
        (LinkRefused("The link leads into a network that is not public."), "Link not opened: The"),
    ],
)
def test_the_card_says_what_the_link_leads_to(agent, target, as_vera, answer, said):
    variant = propose(agent, target, SALE)
    open_links(door=Door(answer))
    assert said in facts(as_vera, variant)


@pytest.mark.usefixtures("switched_on")
def test_another_tenants_look_at_the_same_link_is_not_shown(harbour, variant, as_vera):
    LinkCheck.objects.all().delete()
    ask_for_link(tenant_id=harbour.pk, link=COPY.link)
    open_links(door=Door(Landing(404, COPY.link, "")))
    assert "error (404)" not in facts(as_vera, variant)
