"""Signing in, its limits, and the start page."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client, RequestFactory

from leadmetrics.tenancy.forms import client_address
from leadmetrics.tenancy.models import Tenant, User
from leadmetrics.tenancy.services import may_try_sign_in
from tests.builders import make_user

URL = "/sign-in/"
PASSWORD = "roots-rock-rain"
WRONG = "This e-mail address and password do not belong together."
TOO_MANY = "Too many tries. Wait five minutes"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 30, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def ana_user(db: None) -> User:
    user = make_user("Ana", "ana@acme.example")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    address = more.pop("address", "192.0.2.1")
    data = {"username": email, "password": password, **more}
    return client.post(URL, data, REMOTE_ADDR=address)


def test_right_password_signs_in_whatever_the_case_of_the_address(
    ana_user: User, client: Client
) -> None:
    response = sign_in(client, " Ana@ACME.example ")

    assert response.headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(ana_user.pk)


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
def test_wrong_answers_do_not_tell_whether_the_account_exists(
    ana_user: User, client: Client, email: str
) -> None:
    page = sign_in(client, email, "wrong").content.decode()

    assert WRONG in page
    assert f'value="{email}"' in page


def test_a_switched_off_account_gets_the_same_answer(ana_user: User, client: Client) -> None:
    ana_user.is_active = False
    ana_user.save()

    assert WRONG in sign_in(client, ana_user.email).content.decode()


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
@pytest.mark.usefixtures("clock")
def test_the_sixth_wrong_try_on_an_account_is_stopped_before_hashing(
    ana_user: User, client: Client, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        answer = sign_in(client, email, "wrong", address=f"192.0.2.{number}")
        assert answer.status_code == 200

    def hashing(*_: Any, **__: Any) -> None:
        raise AssertionError("a limited try must cost nothing")

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", hashing)
    stopped = sign_in(client, email.upper(), PASSWORD, address="192.0.2.77")

    assert stopped.status_code == 429
    assert TOO_MANY in stopped.content.decode()


def test_after_five_minutes_the_account_may_try_again(
    ana_user: User, client: Client, clock: time_machine.Traveller
) -> None:
    for _ in range(6):
        sign_in(client, ana_user.email, "wrong")
    clock.shift(5 * 60)

    assert sign_in(client, ana_user.email).status_code == 302


def test_the_eleventh_wrong_try_from_an_address_is_stopped(
    ana_user: User, client: Client, clock: time_machine.Traveller
) -> None:
    for number in range(10):
        assert sign_in(client, f"guess{number}@acme.example", "wrong").status_code == 200

    assert sign_in(client, ana_user.email).status_code == 429
    assert sign_in(client, ana_user.email, address="192.0.2.9").status_code == 302
    clock.shift(60)
    assert sign_in(Client(), ana_user.email).status_code == 302


@pytest.mark.usefixtures("clock")
def test_people_who_know_their_password_are_never_slowed_down(ana_user: User) -> None:
    for _ in range(15):
        assert sign_in(Client(), ana_user.email).status_code == 302


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/t/acme/reports/?range=7d", "/t/acme/reports/?range=7d"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("http://testserver/t/acme/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_only_leads_to_paths_of_ours(
    ana_user: User, client: Client, wanted: str, leads_to: str
) -> None:
    assert sign_in(client, ana_user.email, next=wanted).headers["Location"] == leads_to


def test_the_form_remembers_where_people_wanted_to_go(client: Client, db: None) -> None:
    page = client.get(URL, {"next": "/t/acme/ads/"}).content.decode()

    assert '<input type="hidden" name="next" value="/t/acme/ads/">' in page


def test_only_the_sandbox_says_where_the_demo_sign_ins_are(
    client: Client, db: None, settings: Any
) -> None:
    settings.SANDBOX = True
    assert "make run" in client.get(URL).content.decode()

    settings.SANDBOX = False
    assert "make run" not in client.get(URL).content.decode()


def test_signing_in_needs_a_csrf_token(ana_user: User) -> None:
    client = Client(enforce_csrf_checks=True)

    assert sign_in(client, ana_user.email).status_code == 403


@pytest.mark.parametrize(
    ("forwarded", "behind_proxy", "address"),
    [
        ("", False, "192.0.2.1"),
        ("203.0.113.9", False, "192.0.2.1"),  # anybody can send this header
        ("203.0.113.9", True, "203.0.113.9"),
        ("10.0.0.1, 203.0.113.9", True, "203.0.113.9"),
        ("", True, "192.0.2.1"),
    ],
)
def test_the_address_counted_is_one_that_visitors_cannot_choose(
    settings: Any, forwarded: str, behind_proxy: bool, address: str
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get(URL, headers=headers, REMOTE_ADDR="192.0.2.1")

    assert client_address(request) == address


def test_start_leads_to_sign_in_or_to_the_first_workspace(
    acme: Tenant, as_vera: Client, client: Client
) -> None:
    assert client.get("/").headers["Location"] == "/sign-in/"
    assert as_vera.get("/").headers["Location"] == "/t/acme/"
    assert as_vera.get(URL).headers["Location"] == "/"  # signed in already
    assert client.post("/").status_code == 405


def test_somebody_without_a_workspace_gets_a_page_of_their_own(ana_user: User) -> None:
    client = Client()
    client.force_login(ana_user)

    page = client.get("/").content.decode()

    assert "You are in no workspace yet" in page
    assert "/admin/" not in page


def test_support_without_a_workspace_is_led_to_the_admin(ana_user: User) -> None:
    ana_user.is_staff = True
    ana_user.save()
    client = Client()
    client.force_login(ana_user)

    assert 'href="/admin/"' in client.get("/").content.decode()


def test_tries_at_the_same_time_are_all_counted() -> None:
    with ThreadPoolExecutor(8) as pool:
        tries = pool.map(
            lambda number: may_try_sign_in(email="ana@acme.example", address=f"192.0.2.{number}"),
            range(40),
        )
    assert sum(tries) == 5
