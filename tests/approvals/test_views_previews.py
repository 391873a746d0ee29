"""The five placements on the review page, in both shades, with texts and pictures of all kinds."""

from __future__ import annotations

import pytest

from approvals.models import AdImage
from approvals.preview import PLACEMENTS
from tests.approvals.conftest import COPY
from tests.approvals.pages import ESCAPED_MARKUP, MARKUP, review
from tests.builders import client_for, make_revision, make_variant

TEXTS = [
    "أوهلا بكم في متجرنا للخيام الخفيفة",
    "🏕️👨‍👩‍👧‍👦" * 15,
    "Donaudampfschifffahrtsgesellschaftskapitänsmützen" * 2,
    MARKUP,
    "One\nTwo\nThree\nFour\nFive\nSix",
]


@pytest.fixture
def as_vera(vera):
    return client_for(vera)


@pytest.mark.parametrize("view", PLACEMENTS)
@pytest.mark.parametrize("size", [None, (1200, 628), (1080, 1080), (1080, 1350)])
def test_every_placement_draws_every_kind_of_ad(as_vera, acme, target, view, size):
    target.use_instagram = True
    target.page.instagram_account_id = "17841400000000001"
    target.page.save()
    target.save()
    image = size and AdImage.objects.create(
        tenant=acme, sha256="a" * 64, width=size[0], height=size[1], content_type="image/png"
    )
    variant = make_variant(target)
    for text in TEXTS:
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


def test_words_that_a_check_points_at_are_marked_in_the_preview(as_vera, target):
    variant = make_variant(target, primary_text="The best ever tent.")
    html = as_vera.get(review("variant", variant)).content.decode()
    assert html.count('<mark class="finding"') == 2  # in the preview and in the whole text
    assert COPY.headline in html
