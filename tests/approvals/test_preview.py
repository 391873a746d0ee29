"""What the feed shows of a text."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from approvals.checks.finding import Finding, Severity
from approvals.marks import Marks
from approvals.models import AdImage, Comment, VariantRevision
from approvals.preview import PLACEMENTS, cta_label, cut, domain_of, preview_of, ratio_of


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


def plain(parts) -> str:
    return "".join(part.text for part in parts)


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
    assert (preview.is_cut, preview.is_shortened) == (False, False)
    assert plain(preview.short) == plain(preview.whole) == "Pack light. Walk far."
    assert (preview.link_domain, preview.cta_label) == ("acme.example", "Shop now")
    assert (preview.page_name, preview.page_initial) == ("Acme Outdoor", "A")


def test_preview_of_a_long_text_shows_125_characters_and_keeps_the_rest():
    text = "word " * 40
    preview = preview_of(revision(primary_text=text), goal(), image_url="")
    assert preview.is_cut
    assert preview.is_shortened
    assert len(plain(preview.short)) <= 125
    assert plain(preview.whole) == text


def test_preview_ends_a_long_headline_with_dots():
    preview = preview_of(revision(headline="Tents " * 10), goal(), image_url="")
    assert plain(preview.headline).endswith("Tents…")
    assert len(plain(preview.headline)) <= 41


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


LONG = "\n".join(["Pack light and walk far with a tent that weighs less than your water."] * 8)


@pytest.mark.parametrize(
    ("placement", "most_characters", "most_lines"),
    [
        ("feed", 125, 3),
        ("desktop", 400, 5),
        ("instagram", 125, 2),
        ("story", 125, 4),
        ("right", 90, 2),
    ],
)
def test_each_placement_cuts_where_it_cuts(placement, most_characters, most_lines):
    preview = preview_of(
        revision(primary_text=LONG), goal(), image_url="", placement=PLACEMENTS[placement]
    )
    assert preview.is_cut
    short = plain(preview.short)
    assert len(short) <= most_characters
    assert short.count("\n") < most_lines
    assert LONG.startswith(short)


@pytest.mark.parametrize(
    ("placement", "headline", "description"),
    [
        ("feed", "Tents from 1.9 kg", "Free returns"),
        ("desktop", "Tents from 1.9 kg", "Free returns"),
        ("instagram", "", ""),
        ("story", "", ""),
        ("right", "Tents from 1.9 kg", ""),
    ],
)
def test_each_placement_shows_the_texts_it_shows(placement, headline, description):
    preview = preview_of(revision(), goal(), image_url="", placement=PLACEMENTS[placement])
    assert (plain(preview.headline), plain(preview.description)) == (headline, description)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_words_of_checks_and_comments_are_marked_where_they_show(placement):
    found = Finding("claim", "primary_text", "Prove it.", Severity.WARN, 5, 10, "light")
    said = [
        Comment(field="primary_text", start=0, end=10, number=1),
        Comment(field="primary_text", start=len(LONG) - 4, end=len(LONG), number=2),
        Comment(field="headline", start=0, end=5, number=3),
    ]
    preview = preview_of(
        revision(primary_text=LONG),
        goal(),
        image_url="",
        placement=PLACEMENTS[placement],
        marks=Marks([found], said),
    )
    assert [(part.text, part.note, part.is_quoted, part.remarks) for part in preview.short[:2]] == [
        ("Pack ", "", True, ()),
        ("light", "Prove it.", True, (1,)),
    ]
    assert [number for part in preview.short for number in part.remarks] == [1]
    assert [number for part in preview.whole for number in part.remarks] == [1, 2]
    assert plain(preview.whole) == LONG
    assert [part.remarks for part in preview.headline[:1]] in ([(3,)], [])
    assert bool(preview.headline) == bool(PLACEMENTS[placement].headline)


def test_a_mark_that_a_cut_runs_through_ends_with_it():
    said = Comment(field="headline", start=0, end=60, number=1)
    preview = preview_of(
        revision(headline="Tents " * 10), goal(), image_url="", marks=Marks(comments=[said])
    )
    assert [(part.is_quoted, part.remarks) for part in preview.headline] == [
        (True, (1,)),
        (False, ()),
    ]
