"""What the feed shows of a text, and what the checks say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import timezone

from approvals.models import AdImage, VariantRevision
from approvals.preview import checks_of, cta_label, cut, domain_of, preview_of, ratio_of
from integrations.models import Integration


def revision(**changes) -> VariantRevision:
    return VariantRevision(
        **{
            "primary_text": "Pack light. Walk far.",
            "headline": "Tents from 1.9 kg",
            "description": "Free returns",
            "link": "https://www.acme.example/tents?ref=1",
            "call_to_action": "SHOP_NOW",
            "flags": [],
            **changes,
        }
    )


def goal(**changes) -> SimpleNamespace:
    account = SimpleNamespace(
        name="Acme EU",
        enabled=True,
        can_run_ads=True,
        status_label="Active",
        integration=SimpleNamespace(is_usable=True),
    )
    parts = {
        "ad_account": account,
        "page": SimpleNamespace(name="Acme Outdoor", gone_at=None, can_advertise=True),
        "ad_set": SimpleNamespace(name="25+", gone_at=None, is_dynamic_creative=False),
        "name": "Spring",
        "archived_at": None,
    }
    return SimpleNamespace(**{**parts, **changes})


def texts(found, tone):
    return [check.text for check in found if check.tone == tone]


@pytest.mark.parametrize(
    ("text", "limit", "lines", "shown"),
    [
        ("short", 10, 0, "short"),
        ("exactly ten", 11, 0, "exactly ten"),
        ("one two three", 8, 0, "one two"),
        ("one two three", 7, 0, "one two"),
        ("one two three", 9, 0, "one two"),
        ("unbreakable", 5, 0, "unbre"),
        ("你好世界你好", 4, 0, "你好世界"),
        ("a\nb\nc\nd", 100, 3, "a\nb\nc"),
        ("a\nb\nc", 100, 3, "a\nb\nc"),
        ("abc👩‍👧d", 5, 0, "abc"),
        ("abce\u0301", 4, 0, "abc"),
        ("ab🇩🇪", 3, 0, "ab"),
    ],
)
def test_cut_ends_where_the_feed_ends(text, limit, lines, shown):
    assert cut(text, limit, lines=lines) == shown


def test_preview_of_a_short_text_is_not_cut():
    preview = preview_of(revision(), goal(), image_url="")
    assert (preview.is_cut, preview.primary_text_short) == (False, "Pack light. Walk far.")
    assert (preview.link_domain, preview.cta_label) == ("acme.example", "Shop now")
    assert (preview.page_name, preview.page_initial) == ("Acme Outdoor", "A")


def test_preview_of_a_long_text_shows_125_characters_and_keeps_the_rest():
    text = "word " * 40
    preview = preview_of(revision(primary_text=text), goal(), image_url="")
    assert preview.is_cut
    assert len(preview.primary_text_short) <= 125
    assert preview.primary_text == text


def test_preview_ends_a_long_headline_with_dots():
    preview = preview_of(revision(headline="Tents " * 10), goal(), image_url="")
    assert preview.headline.endswith("Tents…")
    assert len(preview.headline) <= 41


@pytest.mark.parametrize(
    ("link", "domain"),
    [
        ("https://www.acme.example/", "acme.example"),
        ("https://Shop.Acme.example/x", "shop.acme.example"),
        ("https://bücher.example/", "bücher.example"),
    ],
)
def test_domain_of_is_what_the_feed_prints(link, domain):
    assert domain_of(link) == domain


def test_no_button_has_no_label():
    assert cta_label("NO_BUTTON") == ""
    assert cta_label("LEARN_MORE") == "Learn more"


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(1200, 628, "wide"), (1080, 1080, "square"), (1080, 1350, "portrait"), (1000, 1080, "square")],
)
def test_ratio_of_names_the_nearest_shape(width, height, shape):
    assert ratio_of(AdImage(width=width, height=height)) == shape


def test_ad_without_an_image_has_the_wide_shape():
    assert ratio_of(None) == "wide"


def test_checks_of_a_clean_ad_all_pass():
    found = checks_of(revision(), goal())
    assert {check.tone for check in found} == {"good"}
    assert "Headline: 17 of 40 characters" in texts(found, "good")


def test_checks_of_a_flagged_ad_begin_with_the_flag_and_do_not_pass_that_field():
    flags = [
        {"code": "longer_than_recommended", "field": "headline", "message": "Headline is long."}
    ]
    found = checks_of(revision(flags=flags, headline="x" * 50), goal())
    assert (found[0].tone, found[0].text) == ("warn", "Headline is long.")
    assert not any(text.startswith("Headline:") for text in texts(found, "good"))


def test_checks_of_an_unencrypted_link_warn():
    found = checks_of(revision(link="http://acme.example/"), goal())
    assert texts(found, "warn") == ["The link to acme.example is not encrypted (http)."]


def page(**changes) -> SimpleNamespace:
    return SimpleNamespace(**{"name": "P", "gone_at": None, "can_advertise": True, **changes})


def ad_set(**changes) -> SimpleNamespace:
    values = {"name": "25+", "gone_at": None, "is_dynamic_creative": False, **changes}
    return SimpleNamespace(**values)


@pytest.mark.parametrize(
    ("part", "tone", "words"),
    [
        ({"page": page(can_advertise=False)}, "bad", "may not advertise"),
        ({"page": page(gone_at=timezone.now())}, "bad", "may not advertise"),
        ({"ad_set": ad_set(gone_at=timezone.now())}, "bad", "no longer in the ad account"),
        ({"ad_set": ad_set(is_dynamic_creative=True)}, "bad", "dynamic creatives only"),
        ({"archived_at": timezone.now()}, "warn", "was put away"),
    ],
)
def test_checks_name_what_keeps_the_ad_from_its_target(part, tone, words):
    first = checks_of(revision(), goal(**part))[0]
    assert first.tone == tone
    assert words in first.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"enabled": False}, "switched off"),
        ({"can_run_ads": False, "status_label": "Closed"}, "closed"),
        ({"integration": Integration(status="expired")}, "must be renewed"),
    ],
)
def test_checks_name_what_is_wrong_with_the_ad_account(change, words):
    target = goal()
    for name, value in change.items():
        setattr(target.ad_account, name, value)
    assert words in texts(checks_of(revision(), target), "bad")[0]
