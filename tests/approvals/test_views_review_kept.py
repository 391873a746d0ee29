"""The session ended while somebody typed: after signing in the words are there again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import Comment, Decision, VariantRevision
from approvals.services.review import reject_variant
from leadmetrics.tenancy.models import User
from tests.approvals.conftest import COPY, propose
from tests.approvals.pages import ESCAPED_MARKUP, HTMX, MARKUP, live_hash, review, typed
from tests.builders import client_for

PASSWORD = "a few words work well"
OTHER = replace(COPY, headline=f"Typed {MARKUP}")


@pytest.fixture
def writer(ben) -> User:
    user = User.objects.get(pk=ben.user_id)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def browser_of(writer, variant) -> Client:
    """Ben's browser with CSRF checks on; its session is gone, its other cookies are not."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(writer)
    client.get(review("edit", variant))
    return client


def fields_of(client: Client, name: str, variant) -> dict[str, str]:
    """What the page's form carries besides the words."""
    drawn = client.get(review(name, variant)).context
    return {"writer": drawn["writer"], "csrfmiddlewaretoken": str(drawn["csrf_token"])}


def end_session(client: Client) -> None:
    client.session.flush()


def sign_in(client: Client, at: str, email: str, password: str = PASSWORD):
    """Sign in on the page that the answer led to; what the person then sees."""
    page = client.get(at)
    token = str(page.context["csrf_token"])
    data = {"username": email, "password": password, "csrfmiddlewaretoken": token}
    return client.post(at, {**data, "next": parse_qs(urlsplit(at).query)["next"][0]}, follow=True)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_an_edit_comes_back_after_signing_in_and_can_be_saved(browser_of, writer, variant, headers):
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    origin = {"Referer": f"http://testserver{review('edit', variant)}?q=Tents"}
    lost = browser_of.post(
        review("edit", variant), typed(variant, OTHER, **fields), headers={**headers, **origin}
    )
    assert lost.url.startswith("/sign-in/?next=")
    assert "What you typed is kept" in browser_of.get(lost.url).content.decode()
    page = sign_in(browser_of, lost.url, writer.email)
    assert page.request["PATH_INFO"] == review("edit", variant)
    assert page.request["QUERY_STRING"] == "q=Tents"
    assert page.context["form"]["headline"].value() == OTHER.headline
    content = page.content.decode()
    assert MARKUP not in content
    assert ESCAPED_MARKUP in content
    assert "Your session had ended" in content
    assert VariantRevision.objects.count() == 1
    again = browser_of.get(review("edit", variant))
    assert again.context["form"]["headline"].value() == COPY.headline  # offered once


@pytest.mark.parametrize(
    ("act", "data", "name"),
    [
        ("reject", {"reason": "other", "comment": "Too loud"}, "rejection"),
        ("changes", {"comment": "Too loud"}, "asking"),
        ("comment", {"text": "Too loud"}, "commenting"),
    ],
)
def test_what_was_written_about_an_ad_comes_back(browser_of, writer, variant, act, data, name):
    fields = fields_of(browser_of, "variant", variant)
    end_session(browser_of)
    page_of_form = review("comment" if act == "comment" else "variant", variant)
    lost = browser_of.post(
        review(act, variant),
        {**data, **fields},
        headers={"Referer": f"http://testserver{page_of_form}"},
    )
    page = sign_in(browser_of, lost.url, writer.email)
    assert page.status_code == 200
    field = "text" if act == "comment" else "comment"
    assert page.context[name][field].value() == "Too loud"
    assert not Decision.objects.exists()
    assert not Comment.objects.exists()


def test_a_rejection_of_several_comes_back_with_its_words_and_ticks(
    browser_of, writer, agent, target, variant
):
    other = propose(agent, target, replace(COPY, headline="Another"))
    for one in (variant, other):
        browser_of.get(review("variant", one))
    drawn = browser_of.get(review("bulk")).context
    fields = {"writer": drawn["writer"], "csrfmiddlewaretoken": str(drawn["csrf_token"])}
    end_session(browser_of)
    asked = {"ad": f"{other.pk}:{live_hash(other)}", "reason": "off_brand", "comment": "Too loud"}
    lost = browser_of.post(review("bulk"), {**asked, **fields})
    page = sign_in(browser_of, lost.url, writer.email)
    assert page.status_code == 200
    assert "Your session had ended" in page.content.decode()
    assert page.context["form"]["comment"].value() == "Too loud"
    assert {row.pk: ticked for row, _, _, ticked in page.context["ready"]} == {
        variant.pk: False,
        other.pk: True,
    }
    assert "the remaining 1 I have seen" in page.content.decode()
    assert not Decision.objects.exists()


def test_a_file_that_was_chosen_cannot_be_kept_and_the_page_says_so(browser_of, writer, variant):
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    image = SimpleUploadedFile(f"{MARKUP}.png", b"x")
    lost = browser_of.post(review("edit", variant), typed(variant, OTHER, **fields, image=image))
    content = sign_in(browser_of, lost.url, writer.email).content.decode()
    assert f"Choose “{ESCAPED_MARKUP}.png” again: a file cannot be kept." in content


def test_somebody_else_who_signs_in_there_does_not_see_it(browser_of, rita, variant):
    other = User.objects.get(pk=rita.user_id)
    other.set_password(PASSWORD)
    other.save()
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    lost = browser_of.post(review("edit", variant), typed(variant, OTHER, **fields))
    page = sign_in(browser_of, lost.url, other.email)
    assert page.context["form"]["headline"].value() == COPY.headline


def test_it_is_not_kept_for_ever_nor_without_limit(browser_of, writer, variant):
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    huge = replace(OTHER, primary_text="x" * 1_000_000)
    lost = browser_of.post(review("edit", variant), typed(variant, huge, **fields))
    assert "xxx" not in str(browser_of.session["kept_typing"])
    said = "What you typed was longer than the 50,000 characters that are kept meanwhile"
    assert said in browser_of.get(lost.url).content.decode()
    page = sign_in(browser_of, lost.url, writer.email)
    assert said in page.content.decode()
    assert page.context["form"]["headline"].value() == COPY.headline
    assert said not in browser_of.get(review("edit", variant)).content.decode()
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    lost = browser_of.post(review("edit", variant), typed(variant, OTHER, **fields))
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
        page = sign_in(browser_of, lost.url, writer.email)
    assert page.context["form"]["headline"].value() == COPY.headline


def test_a_stranger_cannot_store_anything(client, variant):
    answer = client.post(review("edit", variant), typed(variant, OTHER, writer="1"))
    assert answer.url.startswith("/sign-in/")
    assert not client.session.keys()


def test_a_foreign_page_is_not_where_the_sign_in_leads(client, variant):
    foreign = {"Referer": "https://evil.example/t/acme/"}
    answer = client.post(review("approve", variant), headers=foreign)
    assert answer.url == f"{reverse('sign_in')}?next={review('approve', variant)}"


def test_text_for_an_ad_that_was_decided_meanwhile_is_still_there(
    browser_of, writer, rita, variant
):
    fields = fields_of(browser_of, "edit", variant)
    end_session(browser_of)
    before = typed(variant, OTHER, **fields)
    reject_variant(
        actor=rita, variant_id=variant.pk, shown_hash=live_hash(variant), reason_code="policy"
    )
    lost = browser_of.post(review("edit", variant), before)
    page = sign_in(browser_of, lost.url, writer.email)
    assert page.context["form"]["headline"].value() == OTHER.headline
    assert client_for(rita).get(review("variant", variant)).context["card"]["is_waiting"] is False


def test_an_edit_from_before_signing_in_again_in_another_tab_comes_back(
    browser_of, writer, variant
):
    fields = fields_of(browser_of, "edit", variant)
    browser_of.cookies.clear()
    browser_of.force_login(writer)  # the other tab; the token of this one's form is void now
    origin = {"Referer": f"http://testserver{review('edit', variant)}?q=Tents"}
    page = browser_of.post(
        review("edit", variant), typed(variant, OTHER, **fields), headers=origin, follow=True
    )
    assert page.redirect_chain == [(f"{review('edit', variant)}?q=Tents", 302)]
    assert page.context["form"]["headline"].value() == OTHER.headline
    assert VariantRevision.objects.count() == 1


def test_a_form_without_its_token_changes_nothing_and_says_what_helps(browser_of, variant):
    page = browser_of.post(review("approve", variant), {"content_hash": live_hash(variant)})
    assert page.status_code == 403
    assert "This page is out of date" in page.content.decode()
    assert not Decision.objects.exists()
