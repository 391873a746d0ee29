"""The five placements on the review page, in both shades, with texts and pictures of all kinds."""

from __future__ import annotations

import re

import pytest

from approvals.models import AdImage
from approvals.preview import PLACEMENTS
from approvals.services.comment import add_comment
from tests.approvals.pages import ESCAPED_MARKUP, MARKUP, review
from tests.builders import client_for, make_revision, make_variant

# Texts, and the size of the picture that goes along.
TEXTS = {
    "أوهلا بكم في متجرنا للخيام الخفيفة": None,
    "🏕️👨‍👩‍👧‍👦" * 15: (1200, 628),
    "Donaudampfschifffahrtsgesellschaftskapitänsmützen" * 2: (1080, 1080),
    MARKUP: (1080, 1350),
    "One\nTwo\nThree\nFour\nFive\nSix": (1080, 1920),
}


@pytest.fixture
def as_vera(vera):
    return client_for(vera)


def run_on_instagram(target) -> None:
    target.use_instagram = True
    target.page.instagram_account_id = "17841400000000001"
    target.page.save()
    target.save()


@pytest.mark.parametrize("view", PLACEMENTS)
def test_every_placement_draws_every_kind_of_ad(as_vera, acme, target, view):
    run_on_instagram(target)
    variant = make_variant(target)
    for text, size in TEXTS.items():
        image = size and AdImage.objects.create(
            tenant=acme,
            sha256=f"{size[1]:064}",
            width=size[0],
            height=size[1],
            content_type="image/png",
        )
        make_revision(variant, primary_text=text, image=image)
        page = as_vera.get(review("variant", variant) + f"?view={view}&shade=dark")
        html = page.content.decode()
        assert page.status_code == 200
        assert 'class="ad-preview' in html
        assert "preview--dark" in html
        assert MARKUP not in html
        assert ('alt="The ad\'s image"' in html) == bool(image)
        if text == MARKUP:
            assert ESCAPED_MARKUP in html
        current = PLACEMENTS[view].label
        assert f'aria-current="true">{current}</a>' in html


def test_instagram_is_offered_only_where_the_ad_runs_there(as_vera, target):
    variant = make_variant(target)
    html = as_vera.get(review("variant", variant) + "?view=instagram").content.decode()
    assert ">Instagram</a>" not in html
    assert 'aria-current="true">Mobile feed</a>' in html


def test_the_shade_and_the_placement_travel_on(as_vera, target):
    variant, other = make_variant(target), make_variant(target)
    html = as_vera.get(review("variant", variant) + "?view=story&shade=light").content.decode()
    assert f"{review('variant', other)}?view=story&amp;shade=light" in html
    nonsense = as_vera.get(review("variant", variant) + "?view=<x>&shade=<y>")
    assert nonsense.context["card"]["shade"] == ""


@pytest.mark.parametrize(
    ("view", "text", "headline", "quote"),
    [
        ("feed", "خيام خفيفة تبدأ من 1.9 كجم", "عروض الربيع", "1.9 كجم"),
        ("desktop", "हल्के टेंट 1.9 किलो से", "वसंत सेल", "टेंट"),
        ("instagram", "Go 👨‍👩‍👧‍👦 far 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🏕️ Tents", "👨‍👩‍👧‍👦"),
        ("story", "אוהלים קלים מ-1.9 ק״ג", "יוצאים לדרך", "קלים מ-1.9"),
        ("right", "İpek gibi hafif çadır", "軽く、遠くへ", "hafif çadır"),
    ],
)
def test_commented_words_are_marked_where_the_placement_shows_them(
    as_vera, vera, target, view, text, headline, quote
):
    run_on_instagram(target)
    variant = make_variant(target, primary_text=text, headline=headline, description="")
    for words in (quote, headline):
        add_comment(actor=vera, variant_id=variant.pk, revision_number=1, text="?", words=words)
    html = as_vera.get(review("variant", variant) + f"?view={view}").content.decode()
    card = re.search(r'<article class="ad-preview.*?</article>', html, re.S)[0]
    marked = set(re.findall(r'<mark class="remark">([^<]+)</mark>', card))
    assert marked == ({quote, headline} if PLACEMENTS[view].headline else {quote})
    assert card.count('href="#comment-1"') == 1


def test_a_cut_text_has_no_link_in_what_opens_it(as_vera, vera, target):
    variant = make_variant(target, primary_text="Pack light. " * 20)
    add_comment(actor=vera, variant_id=variant.pk, revision_number=1, text="?", words="Pack light")
    html = as_vera.get(review("variant", variant)).content.decode()
    summary = re.search(r'<summary><span class="ad-preview__short.*?</summary>', html, re.S)[0]
    assert '<mark class="remark">' in summary
    assert "<a " not in summary


def test_words_that_a_check_points_at_are_marked_in_the_preview(as_vera, target):
    variant = make_variant(target, primary_text="The best ever tent.", headline="Best ever")
    html = as_vera.get(review("variant", variant)).content.decode()
    assert html.count('<mark class="finding"') == 2
    assert "Whole text" not in html
    assert "Whole text" in as_vera.get(review("variant", variant) + "?view=story").content.decode()
