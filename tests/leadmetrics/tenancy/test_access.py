"""Who a request is, and what the services' own guard lets pass."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError
from django.test import Client

from leadmetrics.errors import NotAllowed, NotFound
from leadmetrics.tenancy.actors import Actor, ActorKind, human, require_role, system
from leadmetrics.tenancy.models import Membership, Role, Tenant, User
from tests.builders import client_for, make_member, make_user

ROLES = list(Role)


@pytest.mark.parametrize("has", ROLES)
@pytest.mark.parametrize("needs", ROLES)
def test_role_covers_itself_and_the_lower_ones(acme: Tenant, has: Role, needs: Role) -> None:
    actor = make_member(acme, "Person", has)
    if ROLES.index(has) >= ROLES.index(needs):
        assert require_role(actor, needs, tenant_id=acme.pk).user_id == actor.user_id
    else:
        with pytest.raises(NotAllowed) as caught:
            require_role(actor, needs, tenant_id=acme.pk)
        assert needs.label.lower() in caught.value.user_message
        assert has.label.lower() in caught.value.user_message


def test_person_of_another_tenant_finds_nothing(acme: Tenant, olga: Actor) -> None:
    with pytest.raises(NotFound):
        require_role(olga, Role.VIEWER, tenant_id=acme.pk)


def test_actor_cannot_be_bent_to_another_tenant(acme: Tenant, olga: Actor) -> None:
    bent = Actor(ActorKind.HUMAN, "Olga", acme.pk, user_id=olga.user_id)
    with pytest.raises(NotFound):
        require_role(bent, Role.VIEWER, tenant_id=acme.pk)


def test_person_of_two_tenants_has_the_role_of_the_one_acted_in(
    acme: Tenant, harbour: Tenant, ana: Actor
) -> None:
    user = User.objects.get(name="Ana")
    Membership.objects.create(tenant=harbour, user=user, role=Role.VIEWER)
    require_role(ana, Role.ADMIN, tenant_id=acme.pk)
    with pytest.raises(NotAllowed):
        require_role(human(user, harbour), Role.ADMIN, tenant_id=harbour.pk)
    with pytest.raises(NotFound):
        require_role(ana, Role.VIEWER, tenant_id=harbour.pk)


def test_removed_member_loses_the_right_at_once(acme: Tenant, ana: Actor, as_ana: Client) -> None:
    assert as_ana.get("/t/acme/").status_code == 200
    Membership.objects.filter(tenant=acme).delete()
    with pytest.raises(NotFound):
        require_role(ana, Role.VIEWER, tenant_id=acme.pk)
    assert as_ana.get("/t/acme/").status_code == 404


def test_lowered_role_counts_at_once(acme: Tenant, ana: Actor, as_ana: Client) -> None:
    assert as_ana.get("/t/acme/settings/").status_code == 200
    Membership.objects.filter(tenant=acme).update(role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        require_role(ana, Role.ADMIN, tenant_id=acme.pk)
    assert as_ana.get("/t/acme/settings/").status_code == 403


def test_deactivated_person_is_out_at_once(acme: Tenant, ana: Actor, as_ana: Client) -> None:
    User.objects.filter(name="Ana").update(is_active=False)
    with pytest.raises(NotFound):
        require_role(ana, Role.VIEWER, tenant_id=acme.pk)
    assert as_ana.get("/t/acme/").status_code == 302


def test_operator_without_membership_is_a_stranger_in_a_tenant(acme: Tenant) -> None:
    sam = User.objects.create_superuser("sam@leadmetrics.example", name="Sam")
    with pytest.raises(NotFound):
        require_role(human(sam, acme), Role.VIEWER, tenant_id=acme.pk)
    assert client_for(human(sam, acme)).get("/t/acme/").status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_agents_and_the_product_itself_have_no_role(acme: Tenant, ana: Actor, role: Role) -> None:
    for actor in (Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=1), system(acme.pk)):
        with pytest.raises(NotFound):
            require_role(actor, role, tenant_id=acme.pk)


def test_agents_key_with_the_number_of_a_person_is_no_person(acme: Tenant, ana: Actor) -> None:
    agent = Actor(ActorKind.AGENT, "Copy agent", acme.pk, key_id=ana.user_id)
    with pytest.raises(NotFound):
        require_role(agent, Role.VIEWER, tenant_id=acme.pk)


# --- Requests -----------------------------------------------------------------------------------


def test_stranger_and_nobody_see_the_same(acme: Tenant, as_olga: Client) -> None:
    here, nowhere = as_olga.get("/t/acme/"), as_olga.get("/t/no-such-tenant/")
    assert (here.status_code, nowhere.status_code) == (404, 404)
    token = re.compile(rb"\b[A-Za-z0-9]{64}\b")  # against forged forms; another one each time
    assert token.sub(b"", here.content) == token.sub(b"", nowhere.content)


def test_slug_counts_as_written(acme: Tenant, as_ana: Client) -> None:
    assert as_ana.get("/t/ACME/").status_code == 404


def test_pages_of_signed_in_people_are_kept_by_no_cache(as_vera: Client, client: Client) -> None:
    assert "no-store" in as_vera.get("/t/acme/").headers["Cache-Control"]
    assert "private" in as_vera.get("/t/acme/").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/sign-in/", "/t/acme/", "/t/no-such-tenant/", "/healthz"])
def test_every_answer_carries_the_headers_that_protect_it(as_vera: Client, path: str) -> None:
    headers = as_vera.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_form_without_its_token_is_refused(acme: Tenant, ana: Actor) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(name="Ana"))
    assert strict.post("/t/acme/settings/members/add/").status_code == 403


# --- Tenants and people --------------------------------------------------------------------------


def test_one_person_has_one_membership_in_a_tenant(acme: Tenant, ana: Actor) -> None:
    with pytest.raises(IntegrityError):
        Membership.objects.create(tenant=acme, user=User.objects.get(name="Ana"))


def test_unknown_role_cannot_be_stored(acme: Tenant) -> None:
    with pytest.raises(IntegrityError):
        Membership.objects.create(tenant=acme, user=make_user("Rita"), role="owner")


def test_one_address_is_one_person_whatever_its_case(db: None) -> None:
    make_user("Ana", "Ana@Acme.example")
    assert User.objects.get_by_natural_key(" ANA@acme.EXAMPLE ").email == "ana@acme.example"
    with pytest.raises(IntegrityError):
        User.objects.bulk_create([User(email="ANA@acme.example", name="Other")])
