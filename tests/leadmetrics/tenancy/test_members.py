"""Members of a workspace: the page and the services behind it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from leadmetrics.audit.models import AuditEntry
from leadmetrics.errors import InvalidInput, NotAllowed, NotFound, StateConflict
from leadmetrics.tenancy import services
from leadmetrics.tenancy.actors import Actor, ActorKind, system
from leadmetrics.tenancy.models import DEFAULT_CLAIMS, Membership, Role, Tenant, User
from tests.builders import client_for, make_member, make_user

URL = "/t/acme/settings/"


def membership_of(actor: Actor) -> Membership:
    return Membership.objects.get(tenant_id=actor.tenant_id, user_id=actor.user_id)


def audit_lines(tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    return list(AuditEntry.objects.filter(tenant_id=tenant.pk).values_list("action", "data"))


def new_link(response: Any) -> str:
    (link,) = re.findall(r'class="secret__value">https?://[^/]+(.*?)<', response.content.decode())
    return link


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "get"),
        ("policy/", "get"),
        ("members/add/", "post"),
        ("members/1/role/", "post"),
        ("members/1/remove/", "post"),
        ("members/1/link/", "post"),
    ],
)
def test_settings_are_for_admins_of_this_workspace(
    as_ben: Client, as_olga: Client, client: Client, path: str, method: str
) -> None:
    def ask(browser: Client) -> Any:
        return getattr(browser, method)(URL + path)

    assert ask(as_ben).status_code == 403
    assert ask(as_olga).status_code == 404
    assert ask(client).headers["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "post"),
        ("policy/", "put"),
        ("members/add/", "get"),
        ("members/1/role/", "get"),
        ("members/1/remove/", "get"),
        ("members/1/link/", "get"),
    ],
)
def test_wrong_methods_are_refused(as_ana: Client, path: str, method: str) -> None:
    assert getattr(as_ana, method)(URL + path).status_code == 405


def test_a_new_person_gets_a_link_shown_once_and_sets_a_password(
    acme: Tenant, as_ana: Client, client: Client
) -> None:
    shown = as_ana.post(
        URL + "members/add/",
        {"email": "Mia@Acme.example", "name": "Mia Sand", "role": "reviewer"},
    )

    mia = User.objects.get(email="mia@acme.example")
    assert not mia.has_usable_password()
    link = new_link(shown)
    assert link not in as_ana.get(URL).content.decode()

    form = client.get(link, follow=True)
    assert "Welcome to Acme Outdoor" in form.content.decode()
    assert link.split("/")[-2] not in form.request["PATH_INFO"]  # the token left the address
    password = {"new_password1": "roots-rock-rain", "new_password2": "roots-rock-rain"}
    done = client.post(form.request["PATH_INFO"], password)
    assert done.headers["Location"] == "/t/acme/"
    assert client.get("/t/acme/").status_code == 200
    mia.refresh_from_db()
    assert mia.check_password("roots-rock-rain")
    assert [action for action, _ in audit_lines(acme)] == ["member.added", "member.joined"]

    again = Client().get(link, follow=True)
    assert "This link does not work any more" in again.content.decode()


def test_no_audit_line_or_message_holds_the_link(acme: Tenant, as_ana: Client) -> None:
    shown = as_ana.post(
        URL + "members/add/", {"email": "mia@acme.example", "name": "Mia", "role": "viewer"}
    )

    token = new_link(shown).split("/")[-2]
    assert token not in str(audit_lines(acme))
    assert token not in str(as_ana.session.items())


def test_a_link_ends_after_three_days_and_for_removed_people(
    acme: Tenant, ana: Actor, as_ana: Client, client: Client
) -> None:
    with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False) as clock:
        membership, key = services.add_member(
            actor=ana, email="mia@acme.example", name="Mia", role="viewer"
        )
        assert key is not None
        link = f"{URL}welcome/{key.uidb64}/{key.token}/"
        assert "Welcome" in client.get(link, follow=True).content.decode()

        clock.shift(3 * 24 * 3600 + 60)
        assert "does not work any more" in Client().get(link, follow=True).content.decode()

        clock.shift(-3 * 24 * 3600)
        services.remove_member(actor=ana, membership_id=membership.pk)
        assert "does not work any more" in Client().get(link, follow=True).content.decode()


def test_a_link_never_opens_an_account_that_has_a_password(
    acme: Tenant, ana: Actor, ben: Actor, client: Client
) -> None:
    ben_user = User.objects.get(pk=ben.user_id)
    key = services._set_password_key(ben_user)
    ben_user.set_password("roots-rock-rain")
    ben_user.save()
    fresh = services._set_password_key(ben_user)

    for made in (key, fresh):
        page = client.get(f"{URL}welcome/{made.uidb64}/{made.token}/", follow=True)
        assert "does not work any more" in page.content.decode()


@pytest.mark.parametrize("uid", ["", "x", "MQ", "OTk5OTk5", "%00"])
def test_a_made_up_link_opens_nothing(acme: Tenant, ana: Actor, client: Client, uid: str) -> None:
    answer = client.get(f"{URL}welcome/{uid}/set-password/", follow=True)

    assert answer.status_code in (200, 404)
    assert "Welcome to" not in answer.content.decode()


def test_an_existing_account_is_added_without_a_link(
    acme: Tenant, as_ana: Client, olga: Actor
) -> None:
    olga_user = User.objects.get(pk=olga.user_id)

    answer = as_ana.post(
        URL + "members/add/", {"email": olga_user.email, "name": "Renamed", "role": "viewer"}
    )

    assert answer.headers["Location"] == URL
    assert Membership.objects.get(tenant=acme, user=olga_user).role == Role.VIEWER
    olga_user.refresh_from_db()
    assert olga_user.name == "Olga"
    assert "already had an account" in as_ana.get(URL).content.decode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"email": "no", "name": "Mia", "role": "viewer"}, "Enter a valid email address"),
        ({"email": "mia@acme.example", "name": "", "role": "viewer"}, "Say the person"),
        ({"email": "mia@acme.example", "name": "Mia", "role": "owner"}, "Select a valid choice"),
        ({"email": "ana@acme.example", "name": "Ana", "role": "viewer"}, "is already a member"),
        ({}, "This field is required"),
    ],
)
def test_bad_input_is_explained_and_kept(
    acme: Tenant, as_ana: Client, data: dict[str, str], says: str
) -> None:
    answer = as_ana.post(URL + "members/add/", data)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert says in page
    assert f'value="{data.get("email", "")}"' in page or not data.get("email")
    assert Membership.objects.filter(tenant=acme).count() == 1
    assert audit_lines(acme) == []


def test_renewing_a_link_never_takes_over_an_account(
    acme: Tenant, harbour: Tenant, ana: Actor, ben: Actor, olga: Actor, as_ana: Client
) -> None:
    with_password = User.objects.get(pk=ben.user_id)
    with_password.set_password("roots-rock-rain")
    with_password.save()
    elsewhere, _ = services.add_member(
        actor=ana, email="mia@acme.example", name="Mia", role="viewer"
    )
    services.add_member(actor=olga, email="mia@acme.example", name="", role="admin")

    for membership in (membership_of(ben), elsewhere):
        with pytest.raises(StateConflict, match="a password of their own"):
            services.renew_link(actor=ana, membership_id=membership.pk)
    assert as_ana.post(f"{URL}members/{elsewhere.pk}/link/").headers["Location"] == URL


def test_a_link_can_be_renewed_while_there_is_no_password(
    acme: Tenant, ana: Actor, as_ana: Client, client: Client
) -> None:
    membership, _ = services.add_member(
        actor=ana, email="mia@acme.example", name="Mia", role="viewer"
    )

    link = new_link(as_ana.post(f"{URL}members/{membership.pk}/link/"))

    assert "Welcome to Acme Outdoor" in client.get(link, follow=True).content.decode()
    assert ("member.link_renewed", {"name": "Mia"}) in audit_lines(acme)


def test_changing_a_role_counts_at_once(acme: Tenant, ben: Actor, as_ana: Client) -> None:
    answer = as_ana.post(f"{URL}members/{membership_of(ben).pk}/role/", {"role": "admin"})

    assert answer.headers["Location"] == URL
    assert client_for(ben).get(URL).status_code == 200
    assert audit_lines(acme) == [
        ("member.role_changed", {"name": "Ben", "from": "reviewer", "to": "admin"})
    ]


def test_the_same_role_leaves_no_audit_line(acme: Tenant, ana: Actor, ben: Actor) -> None:
    services.change_role(actor=ana, membership_id=membership_of(ben).pk, role="reviewer")

    assert audit_lines(acme) == []


def test_an_unknown_role_is_refused(acme: Tenant, ana: Actor, ben: Actor) -> None:
    with pytest.raises(InvalidInput):
        services.change_role(actor=ana, membership_id=membership_of(ben).pk, role="owner")


def test_the_last_admin_stays(acme: Tenant, ana: Actor, ben: Actor, as_ana: Client) -> None:
    own = membership_of(ana)
    retired = make_member(acme, "Rita", Role.ADMIN)
    User.objects.filter(pk=retired.user_id).update(is_active=False)

    with pytest.raises(services.LastAdmin):
        services.change_role(actor=ana, membership_id=own.pk, role="viewer")
    with pytest.raises(services.LastAdmin):
        services.remove_member(actor=ana, membership_id=own.pk)
    as_ana.post(f"{URL}members/{own.pk}/remove/")
    assert "the only admin" in as_ana.get(URL).content.decode()
    assert audit_lines(acme) == []


def test_admins_who_step_down_or_leave_land_where_they_may_be(
    acme: Tenant, ana: Actor, as_ana: Client
) -> None:
    other = make_member(acme, "Rita", Role.ADMIN)

    down = as_ana.post(f"{URL}members/{membership_of(ana).pk}/role/", {"role": "viewer"})
    gone = client_for(other)
    services.change_role(actor=other, membership_id=membership_of(ana).pk, role="admin")
    left = gone.post(f"{URL}members/{membership_of(other).pk}/remove/")

    assert down.headers["Location"] == "/t/acme/"
    assert left.headers["Location"] == "/"


def test_a_removed_member_is_out_at_once(acme: Tenant, ben: Actor, as_ana: Client) -> None:
    browser = client_for(ben)
    assert browser.get("/t/acme/").status_code == 200

    as_ana.post(f"{URL}members/{membership_of(ben).pk}/remove/")

    assert browser.get("/t/acme/").status_code == 404
    (action, data), *_ = audit_lines(acme)
    assert (action, data["name"]) == ("member.removed", "Ben")


def test_members_of_other_workspaces_cannot_be_touched(
    acme: Tenant, as_ana: Client, olga: Actor
) -> None:
    theirs = membership_of(olga)

    for act in ("role", "remove", "link"):
        assert (
            as_ana.post(f"{URL}members/{theirs.pk}/{act}/", {"role": "viewer"}).status_code == 404
        )
    assert membership_of(olga).role == Role.ADMIN


@pytest.mark.parametrize("kind", [ActorKind.AGENT, ActorKind.SYSTEM])
def test_only_people_change_members(acme: Tenant, ana: Actor, kind: ActorKind) -> None:
    actor = Actor(kind, "Copy agent", acme.pk, key_id=1)

    with pytest.raises(NotFound):
        services.add_member(actor=actor, email="x@acme.example", name="X", role="viewer")
    with pytest.raises(NotFound):
        services.change_role(
            actor=system(acme.pk), membership_id=membership_of(ana).pk, role="viewer"
        )


def test_a_viewer_cannot_call_the_services(acme: Tenant, vera: Actor) -> None:
    with pytest.raises(NotAllowed):
        services.add_member(actor=vera, email="x@acme.example", name="X", role="admin")
    with pytest.raises(NotAllowed):
        services.update_policy(
            actor=vera,
            copy_limits="advisory",
            timezone="UTC",
            author_may_approve=True,
            claims="",
        )


def test_policy_is_saved_and_what_changed_is_noted(acme: Tenant, as_ana: Client) -> None:
    answer = as_ana.post(
        URL + "policy/",
        {
            "copy_limits": "advisory",
            "timezone": "Europe/Berlin",
            "author_may_approve": "on",
            "claims": "  ohne Risiko \r\n\r\nmiracle\nohne Risiko",
            "approvals_needed": "2",
            "undo_minutes": "0",
            "due_hours": "24",
            "expire_days": "30",
        },
    )

    assert answer.headers["Location"] == URL + "policy/"
    acme.refresh_from_db()
    assert (acme.copy_limits, acme.author_may_approve) == ("advisory", True)
    assert audit_lines(acme) == [
        (
            "policy.changed",
            {
                "approvals_needed": {"from": 1, "to": 2},
                "copy_limits": {"from": "strict", "to": "advisory"},
                "author_may_approve": {"from": False, "to": True},
                "claims": {"from": DEFAULT_CLAIMS, "to": "ohne Risiko\nmiracle"},
            },
        )
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"copy_limits": "none", "timezone": "UTC"},
        {"copy_limits": "strict", "timezone": "Mars/Olympus"},
        {},
    ],
)
def test_bad_policy_changes_nothing(acme: Tenant, as_ana: Client, data: dict[str, str]) -> None:
    answer = as_ana.post(URL + "policy/", data)

    assert answer.status_code == 422
    acme.refresh_from_db()
    assert (acme.copy_limits, acme.timezone) == ("strict", "Europe/Berlin")
    assert audit_lines(acme) == []


@pytest.mark.parametrize(
    "policy",
    [
        {"copy_limits": "none", "timezone": "UTC"},
        {"copy_limits": "strict", "timezone": "../etc/passwd"},
        {"copy_limits": "strict", "timezone": "UTC", "approvals_needed": 3},
        {"copy_limits": "strict", "timezone": "UTC", "undo_minutes": -1},
        {"copy_limits": "strict", "timezone": "UTC", "claims_needed": 1},
    ],
)
def test_the_service_checks_the_policy_too(
    acme: Tenant, ana: Actor, policy: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        services.update_policy(actor=ana, author_may_approve=False, claims="", **policy)


def test_queries_do_not_grow_with_the_members(
    acme: Tenant, as_ana: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        make_member(acme, f"Person{number}", Role.REVIEWER)

    with django_assert_max_num_queries(11):
        assert as_ana.get(URL).content.decode().count('class="list__item"') == 41


def test_names_are_text_never_markup(acme: Tenant, as_ana: Client) -> None:
    user = make_user("<script>x</script>", "odd@acme.example")
    Membership.objects.create(tenant=acme, user=user, role=Role.VIEWER)

    assert "<script>x" not in as_ana.get(URL).content.decode()


def test_the_right_to_switch_ads_on_is_given_and_taken_by_an_admin(
    as_ana: Client, ben: Actor, acme: Tenant
) -> None:
    member = Membership.objects.get(user_id=ben.user_id)
    url = reverse("settings:change_right", args=[acme.slug, member.pk])
    for answer, may in (("yes", True), ("no", False)):
        as_ana.post(url, {"can_activate": answer})
        member.refresh_from_db()
        assert member.may_activate is may
    assert list(
        AuditEntry.objects.filter(action__contains="activate").values_list("action", flat=True)
    ) == ["member.may_activate", "member.may_not_activate"]
