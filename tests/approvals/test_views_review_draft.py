"""The ad as it is typed: drawn, cut, escaped, and stored nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.models import VariantRevision
from tests.approvals.conftest import COPY
from tests.approvals.pages import ESCAPED_MARKUP, HTMX, MARKUP, review, typed, words
from tests.builders import client_for


@pytest.fixture
def as_ben(ben):
    return client_for(ben)


def draw(client, variant, **changes) -> str:
    data = typed(variant, replace(COPY, **changes))
    answer = client.post(review("draft", variant), data, headers=HTMX)
    assert answer.status_code == 200
    assert VariantRevision.objects.count() == 1
    return answer


def test_what_is_typed_is_drawn_and_cut_where_the_feed_cuts(as_ben, variant):
    answer = draw(as_ben, variant, headline="A new headline", primary_text="word " * 60)
    assert "A new headline" in words(answer)
    assert "cut in the feed" in words(answer)
    assert "cut in the feed" not in words(draw(as_ben, variant))


@pytest.mark.parametrize("field", ["primary_text", "headline", "description"])
def test_markup_stays_text(as_ben, variant, field):
    page = draw(as_ben, variant, **{field: MARKUP}).content.decode()
    assert MARKUP not in page
    assert ESCAPED_MARKUP in page


@pytest.mark.parametrize("link", ["", "https://[", "nonsense", "https://x.example:port/", "\0"])
def test_a_half_typed_link_is_no_error(as_ben, variant, link):
    draw(as_ben, variant, link=link, call_to_action="NONE_OF_OURS")


def test_a_megabyte_is_drawn_in_part(as_ben, variant):
    page = draw(as_ben, variant, primary_text="x" * 1_000_000)
    assert len(page.content) < 100_000
