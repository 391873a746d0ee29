"""Coming back from Facebook: the fourteen ways it can go, of which one stores a token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from leadmetrics.audit.models import AuditEntry
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Membership, Role, Tenant
from tests.builders import client_for, make_member
from tests.conftest import StandIn
from tests.integrations.conftest import page_text, stored_tokens
from tests.integrations.dance import ANA, BEN, press

CALLBACK = "/connect/meta/callback/"
Start = Callable[..., str]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def changed(back: str, **changes: str | None) -> str:
    """The callback's address with parameters replaced, or left out for None."""
    query = {**query_of(back), **changes}
    return f"{CALLBACK}?{urlencode({k: v for k, v in query.items() if v is not None})}"


def assert_refused(response: object, status: int = 400) -> None:
    assert response.status_code == status
    assert "Nothing was stored" in page_text(response)
    assert "<h1>" in page_text(response)
    assert stored_tokens() == 0


def test_state_is_long_and_new_each_time(start: Start) -> None:
    states = {query_of(start())["state"] for _ in range(3)}
    assert len(states) == 3
    assert all(len(state) >= 43 for state in states)  # 32 bytes in base64


def test_dialog_is_asked_for_exactly_what_we_need(start: Start, settings: object) -> None:
    query = query_of(start())
    assert query["client_id"] == settings.META_APP_ID
    assert query["redirect_uri"] == f"{settings.SITE_URL}{CALLBACK}"
    assert query["scope"].split(",") == settings.META_SCOPES
    assert query["response_type"] == "code"
    assert "auth_type" not in query


def test_asking_again_says_so_to_the_dialog(start: Start) -> None:
    assert query_of(start(rerequest="1"))["auth_type"] == "rerequest"


def test_consent_stores_a_proved_grant(as_ana: Client, start: Start, acme: Tenant) -> None:
    response = as_ana.get(press(start()))

    integration = Integration.objects.get()
    assert response.headers["Location"] == reverse(
        "connections:ad_accounts", args=[acme.slug, integration.pk]
    )
    assert integration.tenant == acme
    assert integration.meta_user_id == ANA
    assert integration.meta_user_name == "Ana Keller"
    assert integration.status == "connected"
    assert integration.token_expires_at > datetime.now(UTC) + timedelta(days=59)
    assert integration.data_access_expires_at > datetime.now(UTC) + timedelta(days=89)
    assert set(integration.granted_scopes) >= {"ads_read", "ads_management"}
    assert integration.declined_scopes == []
    assert integration.sync_runs.get().kind == "catalog"
    entry = AuditEntry.objects.get(action="integration.connected")
    assert entry.data["person"] == "Ana Keller"


def test_absent_state_is_refused(as_ana: Client, start: Start) -> None:
    assert_refused(as_ana.get(changed(press(start()), state=None)))


def test_empty_state_is_refused(as_ana: Client, start: Start) -> None:
    assert_refused(as_ana.get(changed(press(start()), state="")))


def test_tampered_state_is_refused(as_ana: Client, start: Start) -> None:
    back = press(start())
    state = query_of(back)["state"]
    assert_refused(
        as_ana.get(changed(back, state=f"{state[:-1]}{'A' if state[-1] != 'A' else 'B'}"))
    )


def test_state_of_another_session_is_refused(start: Start, ana: Actor) -> None:
    """An attacker's link to the victim, or the same person in another browser."""
    assert_refused(client_for(ana).get(press(start())))


def test_state_of_another_tenant_stores_nothing_there(
    start: Start, harbour: Tenant, olga: Actor
) -> None:
    assert_refused(client_for(olga).get(press(start())))
    assert not Integration.objects.filter(tenant=harbour).exists()


def test_replayed_state_in_another_session_is_refused(
    as_ana: Client, start: Start, ana: Actor
) -> None:
    back = press(start())
    as_ana.get(back)
    assert stored_tokens() == 1
    response = client_for(ana).get(back)
    assert response.status_code == 400
    assert stored_tokens() == 1


def test_second_click_of_a_finished_sign_in_shows_the_connection(
    as_ana: Client, start: Start, acme: Tenant
) -> None:
    back = press(start())
    as_ana.get(back)
    before = Integration.objects.values().get()

    response = as_ana.get(back)

    assert response.headers["Location"] == reverse("connections:list", args=[acme.slug])
    assert Integration.objects.values().get() == before


def test_state_of_a_cancelled_sign_in_is_used_up(as_ana: Client, start: Start) -> None:
    dialog = start()
    as_ana.get(press(dialog, "cancel"))
    assert_refused(as_ana.get(press(dialog)))


def test_expired_state_is_refused(as_ana: Client, start: Start) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=601)):
        dialog = start()
    assert_refused(as_ana.get(press(dialog)))


def test_state_is_good_for_almost_ten_minutes(as_ana: Client, start: Start) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=590)):
        dialog = start()
    as_ana.get(press(dialog))
    assert stored_tokens() == 1


def test_two_tabs_store_one_grant(as_ana: Client, start: Start) -> None:
    first, second = start(), start()
    as_ana.get(press(second))
    as_ana.get(press(first))
    assert stored_tokens() == 1
    assert Integration.objects.get().version == 2


def test_only_the_last_five_starts_are_kept(as_ana: Client, start: Start) -> None:
    oldest = start()
    for _ in range(5):
        start()
    assert_refused(as_ana.get(press(oldest)))


def test_signed_out_person_is_sent_to_sign_in_and_the_state_is_gone(
    as_ana: Client, start: Start, login: Callable[[], None]
) -> None:
    back = press(start())
    as_ana.logout()
    assert as_ana.get(back).headers["Location"].startswith("/sign-in/")
    login()
    assert_refused(as_ana.get(back))


def test_role_removed_meanwhile_is_refused(as_ana: Client, start: Start, ana: Actor) -> None:
    back, dialog = press(start()), start()
    Membership.objects.filter(user_id=ana.user_id).update(role=Role.REVIEWER)
    assert_refused(as_ana.get(back), status=403)
    assert_refused(as_ana.get(press(dialog, "cancel")), status=403)


def test_moved_to_another_tenant_meanwhile_is_refused(
    as_ana: Client, start: Start, ana: Actor, harbour: Tenant
) -> None:
    back = press(start())
    Membership.objects.filter(user_id=ana.user_id).update(tenant=harbour)
    assert_refused(as_ana.get(back), status=403)


def test_missing_code_is_refused(as_ana: Client, start: Start) -> None:
    assert_refused(as_ana.get(changed(press(start()), code=None)))


def test_doubled_parameter_is_refused(as_ana: Client, start: Start) -> None:
    back = press(start())
    assert_refused(as_ana.get(f"{back}&code={query_of(back)['code']}"))
    back = press(start())
    assert_refused(as_ana.get(f"{back}&state={query_of(back)['state']}"))


def test_made_up_code_is_refused(as_ana: Client, start: Start) -> None:
    assert_refused(as_ana.get(changed(press(start()), code="AQnotacode")))


def test_used_code_leads_to_the_connections(as_ana: Client, start: Start, acme: Tenant) -> None:
    """Two requests at once: one took the code, the browser shows the answer of the other."""
    back = press(start())
    as_ana.get(back)
    other = query_of(start())["state"]

    response = as_ana.get(changed(back, state=other), follow=True)

    assert response.redirect_chain == [(reverse("connections:list", args=[acme.slug]), 302)]
    assert "used already" in page_text(response)
    assert stored_tokens() == 1


def test_cancelling_explains_and_offers_to_try_again(as_ana: Client, start: Start) -> None:
    response = as_ana.get(press(start(), "cancel"))
    assert_refused(response, status=200)
    text = page_text(response)
    assert "You did not connect Facebook" in text
    assert "Read how your campaigns perform" in text
    assert "Start again" in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "you cancelled"),
        ("server_error", "not available just now"),
        ("temporarily_unavailable", "not available just now"),
        ("invalid_scope", "could not finish the sign-in"),
        ("", "could not finish the sign-in"),
    ],
)
def test_errors_of_the_dialog_have_texts_of_ours(
    as_ana: Client, start: Start, error: str, words: str
) -> None:
    response = as_ana.get(changed(press(start(), "cancel"), error=error))
    assert words in page_text(response)
    assert stored_tokens() == 0


MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{ 7|add:7 }}",
    "{% debug %}",
    "%0d%0aSet-Cookie: a=b",
    "‮gnp.exe",
    "A" * 5000,
    "</title><h1>canary",
]


@pytest.mark.parametrize("field", ["error", "error_description", "error_reason", "error_code", "x"])
@pytest.mark.parametrize("markup", MARKUP)
def test_nothing_from_the_address_is_shown(
    as_ana: Client, start: Start, field: str, markup: str
) -> None:
    response = as_ana.get(changed(press(start(), "cancel"), **{field: f"canary{markup}"}))
    assert "canary" not in page_text(response)
    assert stored_tokens() == 0


@pytest.mark.parametrize("method", ["post", "head", "put", "delete"])
def test_other_methods_are_refused_and_use_nothing_up(
    as_ana: Client, start: Start, method: str
) -> None:
    """A link preview that asks with HEAD must not spend the code."""
    back = press(start())
    assert getattr(as_ana, method)(back).status_code == 405
    as_ana.get(back)
    assert stored_tokens() == 1


def test_partial_consent_names_what_will_not_work(as_ana: Client, start: Start) -> None:
    back = press(start(), without={"ads_management", "pages_manage_ads"})
    response = as_ana.get(back, follow=True)

    integration = Integration.objects.get()
    assert sorted(integration.declined_scopes) == ["ads_management", "pages_manage_ads"]
    text = page_text(response)
    assert "2 permissions left out" in text
    assert "Approved ads cannot be created." in text
    assert "Performance cannot be read." not in text
    assert 'name="rerequest"' in text
    assert "Go on without" in text

    as_ana.get(press(start(rerequest="1")))
    integration.refresh_from_db()
    assert integration.declined_scopes == []
    assert integration.version == 2


def test_other_person_gets_a_grant_of_their_own(as_ana: Client, start: Start) -> None:
    as_ana.get(press(start()))
    as_ana.get(press(start(), person=BEN))
    assert set(Integration.objects.values_list("meta_user_id", flat=True)) == {ANA, BEN}


def test_another_person_than_the_one_to_renew_is_said(
    as_ana: Client, start: Start, acme: Tenant, harbour: Tenant
) -> None:
    as_ana.get(press(start()))
    grant = Integration.objects.get()
    page = reverse("connections:list", args=[acme.slug])
    assert f'name="grant" value="{grant.pk}"' in page_text(as_ana.get(page))
    words = "Facebook signed you in as Ben Okafor, not as Ana Keller"
    assert words in page_text(
        as_ana.get(press(start(grant=str(grant.pk)), person=BEN), follow=True)
    )
    assert words not in page_text(as_ana.get(press(start(grant=str(grant.pk))), follow=True))
    Integration.objects.filter(pk=grant.pk).update(tenant=harbour)
    for nobody in (str(grant.pk), "x", "0" * 500):
        again = as_ana.get(press(start(grant=nobody), person=BEN), follow=True)
        assert "Facebook signed you in as" not in page_text(again)


def test_nobody_else_may_start(as_ben: Client, as_vera: Client, acme: Tenant) -> None:
    url = reverse("connections:connect", args=[acme.slug])
    assert [client.post(url).status_code for client in (as_ben, as_vera)] == [403, 403]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"fail": {"path": "oauth/access_token", "code": 2, "times": 9}},
            "did not answer properly",
        ),
        ({"html_error": {"path": "oauth/access_token", "times": 9}}, "did not answer properly"),
        ({"fail": {"path": "debug_token", "code": 1, "times": 9}}, "did not answer properly"),
        ({"fail": {"path": "me", "code": 190, "status": 400, "times": 9}}, "did not accept"),
        ({"fail": {"path": "me/permissions", "code": 4, "times": 9}}, "did not answer properly"),
    ],
)
def test_trouble_at_meta_stores_nothing_half(
    as_ana: Client,
    start: Start,
    stand_in: StandIn,
    quick: None,
    fault: dict[str, object],
    words: str,
) -> None:
    back = press(start())
    stand_in.control(**fault)
    response = as_ana.get(back)
    assert_refused(response)
    assert words in page_text(response)
    assert not AuditEntry.objects.exists()


def test_reconnecting_reads_what_had_to_wait(
    as_ana: Client, start: Start, known: Integration
) -> None:
    Integration.objects.update(status="expired", api_key="")
    as_ana.get(press(start()))

    known.refresh_from_db()
    assert known.status == "connected"
    assert known.sync_runs.filter(state="waiting", kind="insights").count() == 1
    assert AuditEntry.objects.filter(action="integration.reconnected").count() == 1


def test_new_admin_can_take_over_with_their_own_account(
    as_ana: Client, start: Start, acme: Tenant
) -> None:
    as_ana.get(press(start()))
    rita = make_member(acme, "Rita", Role.ADMIN)
    as_rita = client_for(rita)
    as_rita.get(press(start(as_rita), person=BEN))
    assert Integration.objects.get(meta_user_id=BEN).connected_by_id == rita.user_id
