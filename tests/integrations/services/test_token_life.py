"""The life of a token, row by row: which test proves what. The last test here reads this table.

States, and what leads to them
    near its end
      test_tokens.py::test_proved_later_end_counts
      test_warnings.py::test_each_step_speaks_once
    ended
      test_tokens.py::test_end_is_marked_without_an_exchange
      test_tokens.py::test_end_is_marked_when_meta_cannot_be_asked
    access to data ended
      test_token_life.py::test_closed_access_to_data_takes_it_out_of_use
    permission taken away
      test_tokens.py::test_removed_scope_is_noticed_while_reading_goes_on
      test_catalog.py::test_lost_permission_hides_pages_but_keeps_their_rows
    password changed, signed out
      test_tokens.py::test_what_happened_at_facebook_is_known_within_a_day_and_told_once
    confirmation asked for
      test_tokens.py::test_person_who_confirmed_the_account_works_again
    app removed at Facebook
      test_meta_calls.py::test_removed_app_erases_the_tokens_everywhere_and_once
      test_clients.py::test_token_error_moves_the_grant
    same person reconnects
      test_connect.py::test_same_person_again_replaces_the_grant_and_keeps_its_defaults
      test_held.py::test_held_ads_are_listed_and_released_once
    another person reconnects
      test_handover.py::test_same_account_and_page_go_on_with_their_history_and_once
      test_handover.py::test_anything_less_is_held_in_words
      test_handover.py::test_through_the_dialog_a_person_who_only_reads_is_held
    role lost on the ad account
      test_token_life.py::test_role_lost_on_the_ad_account_is_said_and_ends_nothing
      test_catalog.py::test_vanished_ones_are_kept_and_come_back
    role lost on the Page
      test_token_life.py::test_role_lost_on_the_page_is_said_and_ends_nothing
    app secret wrong
      test_tokens.py::test_wrong_app_secret_is_not_a_question_for_the_person
      test_app_secret.py::test_without_a_previous_one_the_operator_is_named_and_nobody_reconnects
    app switched off
      test_token_life.py::test_app_that_is_off_is_not_a_question_for_the_person
    API version ended
      test_token_life.py::test_ended_version_is_not_a_question_for_the_person
    somebody else's token
      test_tokens.py::test_token_of_somebody_else_is_not_used
    row that cannot be decrypted
      test_tokens.py::test_row_that_cannot_be_decrypted_is_not_called_expired
      test_token_life.py::test_one_bad_row_costs_no_other_and_no_page
    disconnected
      test_connect.py::test_disconnecting_erases_the_token_at_once
      test_revoke.py::test_failure_is_tried_again_for_a_day
    every state in words
      test_token_states.py::test_what_is_stored_means_one_state

Rules of a refresh
    due more often at the end
      test_tokens.py::test_grants_are_due_once_a_day_and_more_often_at_their_end
    13 to 20 tries in a week
      test_token_life.py::test_last_week_has_enough_tries_and_no_storm
    one job per grant
      test_tokens.py::test_each_due_grant_gets_a_job_of_its_own
      test_commands.py::test_refresh_tokens_goes_on_after_one_that_fails
    lease and second look
      test_token_life.py::test_lease_keeps_others_away_until_it_ends
    twenty at once, one exchange
      test_tokens.py::test_twenty_workers_make_one_exchange
    only a later end counts
      test_tokens.py::test_anything_less_leaves_the_good_token_alone
    exchange answer lost
      test_token_life.py::test_lost_answer_of_the_exchange_keeps_the_old_token
    read-back answer lost
      test_tokens.py::test_lost_answer_of_the_read_back_keeps_the_old_token
    reconnected meanwhile
      test_tokens.py::test_reconnect_during_a_refresh_wins
    left meanwhile
      test_tokens.py::test_disconnect_during_a_refresh_wins
    no other row touched
      test_tokens.py::test_refresh_touches_its_own_row_only
    token without an end
      test_tokens.py::test_token_that_never_ends_is_asked_about_every_day
    system user's sixty days
      test_tokens.py::test_system_user_s_sixty_days_begin_anew
    any call may say it is over
      test_clients.py::test_token_error_moves_the_grant
    Meta down for a day
      test_tokens.py::test_meta_down_for_a_day_costs_nothing_and_is_said
      test_token_life.py::test_day_without_meta_in_the_last_week_costs_no_grant
    our clock is wrong
      test_token_life.py::test_wrong_clock_stores_no_wrong_end
      test_token_life.py::test_lease_of_a_clock_that_was_ahead_holds_nobody_up
    keys rotated meanwhile
      test_rekey.py::test_rotation_under_load_loses_no_token
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
import time_machine
from django.test import Client
from django.urls import reverse
from requests.exceptions import ConnectionError as CutOff

from integrations.models import Integration
from integrations.selectors.readiness import readiness_page
from integrations.services.clients import open_token
from integrations.services.due import due_integrations
from integrations.services.tokens import LEASE, refresh
from integrations.token_states import state_of
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Tenant
from tests.builders import (
    TOKEN,
    make_ad_account,
    make_ad_set,
    make_campaign,
    make_integration,
    make_page,
    make_push_target,
)
from tests.conftest import StandIn
from tests.integrations.conftest import SCOPES, page_text
from tests.integrations.dance import ACME_EU, ANA, work

GRAPH = "http://graph.test/v26.0"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def due(acme: Tenant, settings: Any, quick: None) -> Integration:
    """A grant of person 222 that ends five days after NOW."""
    settings.META_API_BASE_URL = "http://graph.test"
    return make_integration(
        acme,
        meta_user_id="222",
        status="expiring",
        expires_at=NOW + 5 * DAY,
        granted_scopes=["ads_read", "ads_management"],
    )


@pytest.fixture
def says(settings: Any) -> Callable[..., None]:
    """What Meta says of the token; the exchange gives a new one."""

    def answer(ends: datetime, **changes: Any) -> None:
        seconds = int((ends - NOW).total_seconds())
        responses.get(
            f"{GRAPH}/oauth/access_token", json={"access_token": "EAAnew", "expires_in": seconds}
        )
        data = {
            "app_id": settings.META_APP_ID,
            "user_id": "222",
            "is_valid": True,
            "type": "USER",
            "scopes": ["ads_read", "ads_management"],
            "expires_at": int(ends.timestamp()),
            "data_access_expires_at": int((ends + 30 * DAY).timestamp()),
            **changes,
        }
        responses.get(f"{GRAPH}/debug_token", json={"data": data})

    return answer


def reread(integration: Integration) -> Integration:
    return Integration.objects.select_related("tenant").get(pk=integration.pk)


def asked(path: str) -> int:
    return sum(path in call.request.url for call in responses.calls)


# --- clocks -------------------------------------------------------------------------------------
@responses.activate
@pytest.mark.parametrize("off", [-8 * DAY, -HOUR, timedelta(0), HOUR, 8 * DAY])
def test_wrong_clock_stores_no_wrong_end(
    due: Integration, says: Callable[..., None], off: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    """Ends are Meta's absolute ones; a machine that is days ahead does not call a token ended."""
    ends = NOW + 60 * DAY
    says(ends)
    with caplog.at_level(logging.WARNING), time_machine.travel(NOW + off, tick=False):
        refresh(integration_id=due.pk)
    stored = reread(due)
    assert stored.is_usable
    if (
        off == -8 * DAY or off == 8 * DAY
    ):  # by that clock nothing was due for an exchange: Meta was only asked
        assert (asked("access_token"), stored.token_expires_at) == (0, ends)
    else:
        assert (asked("access_token"), stored.token_expires_at) == (1, ends)
        assert open_token(stored).reveal() == "EAAnew"
        assert ("clock differs" in caplog.text) == (off != timedelta(0))


@responses.activate
def test_clock_ahead_of_an_end_that_is_near_keeps_the_grant(
    due: Integration, says: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    says(NOW + 5 * DAY)
    with caplog.at_level(logging.WARNING), time_machine.travel(NOW + 8 * DAY, tick=False):
        refresh(integration_id=due.pk)
    assert (reread(due).is_usable, reread(due).token_expires_at) == (True, NOW + 5 * DAY)
    assert "ahead of Meta's" in caplog.text


# --- what may go wrong at Meta ------------------------------------------------------------------
@responses.activate
@pytest.mark.parametrize("lost", [CutOff("cut"), b"", b"<html>", b'{"access_token": 7}'])
def test_lost_answer_of_the_exchange_keeps_the_old_token(due: Integration, lost: Any) -> None:
    """Meta may have made a new token; the old one lives on to its own end."""
    responses.get(f"{GRAPH}/oauth/access_token", body=lost)
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
        stored = reread(due)
        assert (stored.status, stored.version, stored.trouble) == ("expiring", 1, "unreachable")
        assert open_token(stored).reveal() == TOKEN
        assert stored.token_expires_at == NOW + 5 * DAY
        assert stored.lease_until is None
    with time_machine.travel(NOW + DAY, tick=False):
        assert due_integrations() == [due]  # and it is tried again


@responses.activate
def test_day_without_meta_in_the_last_week_costs_no_grant(
    due: Integration, says: Callable[..., None]
) -> None:
    down = responses.get(f"{GRAPH}/oauth/access_token", status=503)
    for hour in range(25):
        with time_machine.travel(NOW + hour * HOUR, tick=False):
            refresh(integration_id=due.pk)
    assert (reread(due).is_usable, reread(due).trouble) == (True, "unreachable")
    assert not Notice.objects.exists()
    responses.remove(down)
    says(NOW + 60 * DAY)
    with time_machine.travel(NOW + 48 * HOUR, tick=False):
        refresh(integration_id=due.pk)
        assert state_of(reread(due)).code == "in_part"  # as before: two of six permissions
    assert (reread(due).version, reread(due).trouble) == (2, "")


@responses.activate
def test_last_week_has_enough_tries_and_no_storm(
    due: Integration, says: Callable[..., None]
) -> None:
    Integration.objects.update(metadata={"tokenExpiresAt": (NOW + 7 * DAY).isoformat()})
    says(NOW + 7 * DAY)
    for hour in range(7 * 24 + 2):
        with time_machine.travel(NOW + hour * HOUR, tick=False):
            refresh(integration_id=due.pk)
    assert 13 <= asked("access_token") <= 20
    assert reread(due).is_usable  # Meta still takes it, and it is Meta's clock that counts


@responses.activate
def test_closed_access_to_data_takes_it_out_of_use(
    due: Integration, says: Callable[..., None], ana: Actor
) -> None:
    says(NOW + 50 * DAY, data_access_expires_at=int((NOW - HOUR).timestamp()))
    Integration.objects.update(metadata={"tokenExpiresAt": (NOW + 50 * DAY).isoformat()})
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
        assert (state_of(reread(due)).code, reread(due).is_usable) == ("data_access_ended", False)
    assert Notice.objects.get().user_id == ana.user_id


@responses.activate
@pytest.mark.parametrize(("code", "subcode"), [(3, None), (270, None), (100, 1885183)])
@pytest.mark.parametrize("days", [3, 40])
def test_app_that_is_off_is_not_a_question_for_the_person(
    due: Integration, ana: Actor, code: int, subcode: int | None, days: int
) -> None:
    error = {"code": code, **({"error_subcode": subcode} if subcode else {})}
    for path in ("oauth/access_token", "debug_token"):
        responses.get(f"{GRAPH}/{path}", status=400, json={"error": error})
    Integration.objects.update(metadata={"tokenExpiresAt": (NOW + days * DAY).isoformat()})
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
        state = state_of(reread(due))
    assert (state.code, state.asks_reconnect, reread(due).is_usable) == ("app_off", False, True)
    assert not Notice.objects.exists()


@responses.activate
def test_ended_version_is_not_a_question_for_the_person(due: Integration, ana: Actor) -> None:
    for path in ("oauth/access_token", "debug_token"):
        responses.get(f"{GRAPH}/{path}", status=400, json={"error": {"code": 2635}})
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
        state = state_of(reread(due))
    assert (state.code, state.asks_reconnect, reread(due).is_usable) == (
        "version_ended", False, True,
    )  # fmt: skip


# --- roles --------------------------------------------------------------------------------------
def gaps_of(tenant: Tenant) -> dict[str, str]:
    (row,) = readiness_page(tenant).rows
    return {cell.title: cell.who for cell in row.cells if cell.tone == "bad"}


def test_role_lost_on_the_ad_account_is_said_and_ends_nothing(
    known: Integration, stand_in: StandIn, acme: Tenant
) -> None:
    stand_in.control(limit_accounts={"user": "ana", "accounts": ["2"]})
    known.sync_runs.create(tenant=acme, kind="catalog")
    work(known)
    refresh(integration_id=known.pk)
    assert reread(known).status == "connected"
    assert gaps_of(acme)["Write"] == "An admin of the ad account"


def test_role_lost_on_the_page_is_said_and_ends_nothing(
    acme: Tenant, known: Integration, account: Any
) -> None:
    page = make_page(known, can_advertise=False, name="No right any more")
    make_push_target(acme, ad_set=make_ad_set(make_campaign(account)), page=page)
    assert gaps_of(acme)["Page"] == "An admin of the Page"
    assert reread(known).is_usable


# --- inside -------------------------------------------------------------------------------------
@responses.activate
def test_lease_keeps_others_away_until_it_ends(due: Integration, says: Callable[..., None]) -> None:
    says(NOW + 60 * DAY)
    Integration.objects.update(lease_until=NOW + LEASE)
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
        assert len(responses.calls) == 0
    with time_machine.travel(NOW + LEASE, tick=False):  # whoever held it died
        refresh(integration_id=due.pk)
    assert (asked("access_token"), reread(due).version) == (1, 2)


@responses.activate
def test_lease_of_a_clock_that_was_ahead_holds_nobody_up(
    due: Integration, says: Callable[..., None]
) -> None:
    says(NOW + 60 * DAY)
    Integration.objects.update(lease_until=NOW + 8 * DAY)
    with time_machine.travel(NOW, tick=False):
        refresh(integration_id=due.pk)
    assert (asked("access_token"), reread(due).version) == (1, 2)


def test_one_bad_row_costs_no_other_and_no_page(
    acme: Tenant, as_ana: Client, stand_in: StandIn, quick: None
) -> None:
    token = stand_in.control(sign_in="ana")["result"]["sign_in"]
    bad = make_integration(acme, meta_user_name="Bad Row", granted_scopes=SCOPES)
    good = make_integration(acme, token=token, meta_user_id=ANA, granted_scopes=SCOPES)
    make_ad_account(good, ad_account_id=ACME_EU)
    Integration.objects.filter(pk=bad.pk).update(api_key="v1.gone.AAAA")
    for integration in (bad, good):
        refresh(integration_id=integration.pk)
    assert (reread(bad).trouble, reread(bad).is_usable) == ("undecryptable", True)
    assert (reread(good).trouble, reread(good).status) == ("", "connected")
    page = page_text(as_ana.get(reverse("connections:list", args=[acme.slug])))
    assert "Bad Row" in page
    assert "Whoever runs this installation" in page


# --- the table above ----------------------------------------------------------------------------
def test_every_test_of_the_table_exists() -> None:
    rows = re.findall(r"(test_\w+\.py)::(test_\w+)", __doc__ or "")
    assert len(rows) > 40
    files = {path.name: path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py")}
    absent = [f"{file}::{name}" for file, name in rows if f"def {name}(" not in files.get(file, "")]
    assert absent == []
