"""Meta's own preview beside ours: its address checked, in a sandbox, never waited for."""

from __future__ import annotations

import re
import urllib.request
from html import unescape

import pytest

from integrations.meta_ads.types import AccessToken
from integrations.services.clients import seal_token
from integrations.services.previews import is_metas
from tests.approvals.conftest import propose
from tests.approvals.pages import HTMX, review, words
from tests.builders import client_for

ACCOUNT, PAGE = "act_210000000000001", "110000000000001"


@pytest.fixture
def meta(stand_in, target):
    """The stand-in, with the tenant's grant and target pointing at its main ad account."""
    token = stand_in.control(sign_in={"user": "Ana"})["result"]["sign_in"]
    seal_token(target.ad_account.integration, AccessToken(token))
    target.ad_account.integration.save()
    target.ad_account.ad_account_id, target.page.page_id = ACCOUNT, PAGE
    target.ad_account.save()
    target.page.save()
    return stand_in


@pytest.fixture
def as_vera(vera):
    return client_for(vera)


def test_metas_frame_is_sandboxed_and_shows_this_very_text(meta, agent, target, as_vera):
    answer = as_vera.get(review("at_meta", propose(agent, target)), headers=HTMX)
    frame = re.search(r"<iframe[^>]+>", answer.content.decode())
    assert frame is not None
    assert 'sandbox="allow-scripts allow-same-origin"' in frame.group()
    assert "srcdoc" not in frame.group()
    source = unescape(re.search(r'src="([^"]+)"', frame.group()).group(1))
    assert source.startswith(f"{meta.base_url}/ads/api/preview_iframe.php?")
    with urllib.request.urlopen(source) as shown:
        assert "Pack light. Walk far." in shown.read().decode()
    assert meta.read("writes")["writes"] == []


def test_without_scripts_it_is_a_page_of_its_own(meta, agent, target, as_vera):
    variant = propose(agent, target)
    assert review("at_meta", variant) in as_vera.get(review("variant", variant)).content.decode()
    page = as_vera.get(review("at_meta", variant) + "?view=story")
    assert "<iframe" in page.content.decode()
    assert "Back to the ad" in words(page)


def test_when_meta_cannot_be_asked_the_page_says_so(agent, target, as_vera):
    variant = propose(agent, target)
    assert as_vera.get(review("variant", variant)).status_code == 200
    answer = as_vera.get(review("at_meta", variant), headers=HTMX)
    assert (answer.status_code, "<iframe" in answer.content.decode()) == (200, False)
    assert "Meta shows no preview just now." in words(answer)


def test_it_can_be_switched_off(meta, agent, target, as_vera, settings):
    settings.META_PREVIEWS = False
    variant = propose(agent, target)
    assert "at-meta" not in as_vera.get(review("variant", variant)).content.decode()
    answer = as_vera.get(review("at_meta", variant), headers=HTMX)
    assert "<iframe" not in answer.content.decode()
    assert "switched off here (META_PREVIEWS)" in words(answer)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://www.facebook.com/ads/api/preview_iframe.php?d=x", True),
        ("https://business.facebook.com/x", True),
        ("http://www.facebook.com/x", False),
        ("https://facebook.com.evil.example/x", False),
        ("https://evilfacebook.com/x", False),
        ("https://www.facebook.com@evil.example/x", False),
        ("https://www.facebook.com:8443/x", False),
        ("javascript:alert(1)", False),
        ("//www.facebook.com/x", False),
        ("https://[x", False),
        ("", False),
        ("http://localhost:9000/ads/api/preview_iframe.php?d=x", False),  # a stand-in's
    ],
)
def test_only_facebooks_own_addresses_are_framed(settings, address, fits):
    settings.SANDBOX = False
    assert is_metas(address) is fits
