"""The page for people: what it shows, and its buttons."""

from __future__ import annotations

import re

import pytest

from tests.integrations.sandbox.conftest import ACCOUNT, Api


def press(api: Api, text: str, label: str) -> None:
    """Submit the form around a button of the page, as a browser would."""
    for form in re.findall(r"<form method=\"post\".*?</form>", text, re.S):
        if f">{label}</button>" in form:
            fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
            answer = api.page(
                "/sandbox/control", method="POST", data=fields, headers={"Origin": api.base_url}
            )
            assert answer.status_code == 303
            assert answer.headers["Location"] == "/sandbox/"
            return
    raise AssertionError(f"There is no button {label!r}.")


def test_newest_ads_come_first_with_their_words_and_statuses(ana: Api) -> None:
    ana.ad(ana.creative("First words"), name="LM · first")
    ana.ad(ana.creative("Second <b>words</b>"), name="LM · second")
    text = ana.page("/sandbox/").text
    assert text.index("LM · second") < text.index("LM · first")
    assert "Second &lt;b&gt;words&lt;/b&gt;" in text
    assert "Set to PAUSED" in text
    assert "Is PENDING REVIEW" in text
    assert "2 in all: 0 live, 2 in Meta&#x27;s review" in text.replace("'", "&#x27;")


def test_an_empty_page_says_what_will_be_there(visitor: Api) -> None:
    text = visitor.page("/sandbox/").text
    assert "None yet." in text
    assert "Spring hiking boots" in text
    assert "not connected" in text


def test_each_account_opens_on_its_own(visitor: Api) -> None:
    text = visitor.page("/sandbox/?account=act_210000000000003").text
    assert "Japan daypacks" in text
    assert "Family tents" not in text
    assert "Unsettled" in text
    assert visitor.page("/sandbox/?account=<x>").status_code == 200


@pytest.mark.parametrize("path", ["/sandbox/", "/sandbox/?account=act_210000000000002"])
def test_pages_hold_no_script_no_inline_style_and_a_strict_policy(ana: Api, path: str) -> None:
    ana.ad()
    page = ana.page(path)
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert " on" not in "".join(re.findall(r"<[a-z]+ [^>]*?( on\w+=)", page.text))
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_buttons_press_switches_and_lead_back(ana: Api) -> None:
    ad = ana.ad()
    text = ana.page("/sandbox/").text
    press(ana, text, "Meta refuses")
    assert ana.get(ad, fields="effective_status")["effective_status"] == "DISAPPROVED"
    press(ana, text, "Clock one day on")
    press(ana, text, "Clock one day on")
    assert "(+2 days)" in ana.page("/sandbox/").text
    press(ana, text, "Lose the reply to the next ad")
    assert "Waiting: lose reply ads, 1 more" in ana.page("/sandbox/").text
    press(ana, text, "Let the token expire")
    assert ana.error("GET", "me")["error_subcode"] == 463
    assert 'Ana Keller</b> <span class="quiet">not connected' in ana.page("/sandbox/").text
    press(ana, text, "Reset all")
    assert "None yet." in ana.page("/sandbox/").text


def test_every_side_button_is_understood(ana: Api) -> None:
    text = ana.page("/sandbox/").text
    labels = re.findall(r'<button type="submit">([^<]+)</button>', text)
    assert len(labels) > 15
    for label in labels:
        press(ana, text, label)


def test_editing_in_ads_manager_from_the_page(ana: Api) -> None:
    ad = ana.ad()
    form = {"switch": "edit_live", "ad_id": ad, "message": "12021999900000001"}
    answer = ana.page("/sandbox/control", method="POST", data=form)
    assert answer.status_code == 303
    body = ana.get(ad, fields="creative{body}")["creative"]["body"]
    assert body == "12021999900000001"


def test_a_button_leads_back_to_the_page_it_was_on(ana: Api) -> None:
    here = f"{ana.base_url}/sandbox/?account=act_210000000000002"
    answer = ana.page(
        "/sandbox/control",
        method="POST",
        headers={"Referer": here},
        data={"switch": "clear_faults", "value": "true"},
    )
    assert answer.headers["Location"] == here


def test_files_and_unknown_paths(visitor: Api) -> None:
    assert visitor.page("/").headers["Location"] == "/sandbox/"
    assert visitor.page("/sandbox").headers["Location"] == "/sandbox/"
    assert visitor.page("/sandbox/style.css").headers["Content-Type"].startswith("text/css")
    assert visitor.page("/sandbox/icon.svg").headers["Content-Type"] == "image/svg+xml"
    assert "expire_token" in visitor.page("/sandbox/control").json()["switches"]
    for path in ("/sandbox/nothing", "/sandbox/images/1/2", "/sandbox/images/"):
        assert visitor.page(path).status_code == 404
    assert visitor.page("/sandbox/", method="POST").status_code == 404
    assert visitor.page("/sandbox/control", method="DELETE").status_code == 404


def test_seed_pictures_are_drawn(visitor: Api) -> None:
    picture = visitor.page(f"/sandbox/images/{ACCOUNT[4:]}/{'2'.rjust(32, '0')}")
    assert picture.content.startswith(b"\x89PNG")
    head = visitor.page(f"/sandbox/images/{ACCOUNT[4:]}/{'2'.rjust(32, '0')}", method="HEAD")
    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(picture.content)
