"""Who may open what: every address of the product stands in a table here, or the suite fails.

For each address below /t/<tenant>/ the same questions are asked of all: a visitor who is not signed
in, somebody from another tenant, a member whose role is too low, a wrong method, and an object that
belongs to another tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from approvals.models import AdImage, Decision
from integrations.models import Integration
from leadmetrics.agents.api import api
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Membership, Role, Tenant
from tests.builders import (
    client_for,
    make_agent_key,
    make_decision,
    make_member,
    make_push,
    make_push_target,
    make_variant,
)

ROOT = Path(__file__).resolve().parent.parent.parent
READ, WRITE, FORM = ("GET",), ("POST",), ("GET", "POST")
VIEWER, REVIEWER, ADMIN = Role.VIEWER, Role.REVIEWER, Role.ADMIN

# Below /t/<tenant>/: the role an address needs, and the methods it answers.
TENANT_ROUTES: dict[str, tuple[Role, tuple[str, ...]]] = {
    "home": (VIEWER, READ),
    "activity": (VIEWER, FORM),
    "review:queue": (VIEWER, READ),
    "review:image": (VIEWER, READ),
    "review:variant": (VIEWER, READ),
    "review:at_meta": (VIEWER, READ),
    "review:approve": (REVIEWER, WRITE),
    "review:reject": (REVIEWER, WRITE),
    "review:edit": (REVIEWER, FORM),
    "review:withdraw": (REVIEWER, WRITE),
    "review:draft": (REVIEWER, WRITE),
    "review:comment": (VIEWER, FORM),
    "review:changes": (REVIEWER, WRITE),
    "review:alike": (VIEWER, READ),
    "review:bulk": (REVIEWER, FORM),
    "review:select": (REVIEWER, WRITE),
    "review:undo": (REVIEWER, WRITE),
    "review:defer": (REVIEWER, WRITE),
    "review:reopen": (REVIEWER, WRITE),
    "review:send_now": (REVIEWER, WRITE),
    "ads:list": (VIEWER, READ),
    "ads:detail": (VIEWER, READ),
    "ads:release": (REVIEWER, WRITE),
    "ads:hand_back": (REVIEWER, WRITE),
    "ads:activate": (REVIEWER, FORM),
    "ads:pause": (REVIEWER, WRITE),
    "reports:performance": (VIEWER, READ),
    "reports:freshness": (VIEWER, READ),
    "reports:export": (VIEWER, READ),
    "reports:reach": (VIEWER, READ),
    "reports:moved": (VIEWER, READ),
    "reports:catalog": (VIEWER, READ),
    "reports:sync": (ADMIN, READ),
    "reports:sync_now": (ADMIN, WRITE),
    "reports:audiences": (VIEWER, READ),
    "connections:released": (ADMIN, READ),
    "connections:readiness": (ADMIN, READ),
    "connections:account_settings": (ADMIN, FORM),
    "connections:copy_settings": (ADMIN, WRITE),
    "connections:list": (ADMIN, READ),
    "connections:connect": (ADMIN, WRITE),
    "connections:permissions": (ADMIN, READ),
    "connections:ad_accounts": (ADMIN, FORM),
    "connections:new_target": (ADMIN, FORM),
    "connections:sync": (ADMIN, WRITE),
    "connections:progress": (ADMIN, READ),
    "connections:disconnect": (ADMIN, FORM),
    "connections:target_ready": (ADMIN, READ),
    "connections:archive_target": (ADMIN, WRITE),
    "connections:use_account": (ADMIN, WRITE),
    "connections:pull": (ADMIN, WRITE),
    "connections:history": (ADMIN, WRITE),
    "agents:keys": (ADMIN, READ),
    "agents:create_key": (ADMIN, WRITE),
    "agents:revoke_key": (ADMIN, WRITE),
    "settings:members": (ADMIN, READ),
    "settings:add_member": (ADMIN, WRITE),
    "settings:change_role": (ADMIN, WRITE),
    "settings:change_right": (ADMIN, WRITE),
    "settings:remove_member": (ADMIN, WRITE),
    "settings:renew_link": (ADMIN, WRITE),
    "settings:policy": (ADMIN, FORM),
    "sending:switch": (ADMIN, FORM),
}
# What a form must hold before the object is looked for.
FORMS = {"settings:change_role": {"role": "viewer"}}
# Below /t/<tenant>/ too, but for people who cannot sign in yet; the token in the address decides.
WITH_A_TOKEN = {"settings:set_password"}

# Elsewhere: what a visitor who is not signed in is answered.
PUBLIC_ROUTES = {"start": 302, "sign_in": 200, "healthz": 200, "readyz": 200}
SIGNED_IN_ROUTES = {"sign_out", "meta_callback", "mails"}
# Meta's own calls, whose signature decides, and the page that a confirmation code opens.
SIGNED_BY_META_ROUTES = {"meta_deauthorize", "meta_data_deletion", "meta_deletion_status"}
# The API's own two: its description, for machines and for people.
OPEN_API_ROUTES = {"api:openapi-json", "api:api-root", "api_docs"}
# Takes a key and nothing else; its own tests ask what it answers without one.
BY_KEY_ROUTES = {"mcp"}


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its full name, and the names and kinds of what stands in it."""

    name: str
    pattern: str
    parameters: tuple[str, ...]


def routes() -> Iterator[Route]:
    """Every address of the URL configuration except Django admin's own."""

    def walk(
        patterns: list[URLPattern | URLResolver], prefix: str, spaces: tuple[str, ...]
    ) -> Iterator[Route]:
        for entry in patterns:
            path = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                inner = (*spaces, entry.namespace) if entry.namespace else spaces
                if entry.namespace != "admin":
                    yield from walk(entry.url_patterns, path, inner)
            else:
                name = ":".join([*spaces, entry.name or f"unnamed {path}"])
                yield Route(name, path, tuple(re.findall(r"<(?:\w+:)?(\w+)>", path)))

    return walk(get_resolver().url_patterns, "", ())


def in_tenant(route: Route) -> bool:
    return route.pattern.startswith("t/<slug:tenant>/")


GUARDED = {
    route.name: route for route in routes() if in_tenant(route) and route.name in TENANT_ROUTES
}


@dataclass(frozen=True, slots=True)
class World:
    """A tenant with one object of each kind that an address can name."""

    tenant: Tenant
    admin: Actor
    ids: dict[str, Any]


def make_world(tenant: Tenant) -> World:
    admin = make_member(tenant, "Admin", ADMIN)
    target = make_push_target(tenant)
    waiting = make_variant(target)
    pushed = make_variant(target, status="push_failed")
    make_push(make_decision(pushed, admin, verdict=Decision.Verdict.APPROVED), state="failed")
    key, _ = make_agent_key(tenant, admin)
    image = AdImage.objects.create(
        tenant=tenant,
        sha256=f"{tenant.pk:064x}",
        file=f"ad_images/{tenant.pk}.png",
        content_type="image/png",
        width=1,
        height=1,
    )
    integration: Integration = target.ad_account.integration
    return World(
        tenant,
        admin,
        {
            "variant_id": waiting.pk,
            "pk": integration.pk,
            "target": target.pk,
            "account": target.ad_account_id,
            "key_id": key.pk,
            "membership_id": Membership.objects.get(tenant=tenant).pk,
            "sha256": image.sha256,
            "table": "campaigns",
            "kind": "csv",
            "listed": "campaigns",
        },
    )


def address(route: Route, tenant: Tenant, world: World) -> str:
    """The route in ``tenant``, naming objects of ``world``."""
    named = {name: world.ids[name] for name in route.parameters if name != "tenant"}
    return reverse(route.name, kwargs={"tenant": tenant.slug, **named})


@pytest.fixture
def world(acme: Tenant) -> World:
    return make_world(acme)


@pytest.fixture
def elsewhere(harbour: Tenant) -> World:
    return make_world(harbour)


@pytest.fixture
def client_with(world: World) -> Callable[[Role], Client]:
    """A browser of a fresh member with the given role."""
    return lambda role: client_for(make_member(world.tenant, f"A {role}".replace(" ", "-"), role))


def test_every_address_is_in_a_table() -> None:
    known = {*TENANT_ROUTES, *WITH_A_TOKEN, *PUBLIC_ROUTES, *SIGNED_IN_ROUTES, *BY_KEY_ROUTES}
    known |= SIGNED_BY_META_ROUTES
    found = {route.name for route in routes() if not route.pattern.startswith("api/")}
    assert found - known == set(), "say in the tables above who may open these"
    assert known - found == set(), "these are gone"


def test_guarded_addresses_lie_below_the_tenant_and_only_they() -> None:
    below = {route.name for route in routes() if in_tenant(route)}
    assert below == {*TENANT_ROUTES, *WITH_A_TOKEN}


@pytest.mark.parametrize("name", GUARDED)
def test_visitor_is_sent_to_sign_in(name: str, world: World, client: Client) -> None:
    url = address(GUARDED[name], world.tenant, world)
    for method in TENANT_ROUTES[name][1]:
        response = client.generic(method, url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", GUARDED)
def test_outsider_gets_the_same_404_as_for_a_tenant_that_does_not_exist(
    name: str, world: World, elsewhere: World
) -> None:
    outsider = client_for(elsewhere.admin)
    url = address(GUARDED[name], world.tenant, world)
    nowhere = url.replace(f"/t/{world.tenant.slug}/", "/t/no-such-tenant/")
    for method in ("GET", "POST"):
        assert outsider.generic(method, url).status_code == 404
        assert outsider.generic(method, nowhere).status_code == 404


@pytest.mark.parametrize("name", [n for n in GUARDED if TENANT_ROUTES[n][0] != VIEWER])
def test_member_whose_role_is_too_low_gets_403(
    name: str, world: World, client_with: Callable[[Role], Client]
) -> None:
    needed, methods = TENANT_ROUTES[name]
    url = address(GUARDED[name], world.tenant, world)
    for role in list(Role)[: needed.rank]:
        member = client_with(role)
        assert [member.generic(method, url).status_code for method in methods] == [403] * len(
            methods
        )


@pytest.mark.parametrize("name", GUARDED)
def test_other_methods_are_refused(
    name: str, world: World, client_with: Callable[[Role], Client]
) -> None:
    needed, methods = TENANT_ROUTES[name]
    member = client_with(needed)
    url = address(GUARDED[name], world.tenant, world)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(methods):
        assert member.generic(method, url).status_code == 405, method


@pytest.mark.parametrize("name", [n for n in GUARDED if "GET" in TENANT_ROUTES[n][1]])
def test_member_with_the_role_sees_the_page(
    name: str, world: World, client_with: Callable[[Role], Client]
) -> None:
    url = address(GUARDED[name], world.tenant, world)
    if name == "review:image":
        return  # its file exists only for an uploaded picture; see the review page's own tests
    assert client_with(TENANT_ROUTES[name][0]).get(url).status_code in (200, 302)


QUERY_NAMES = sorted(
    {
        name
        for package in ("leadmetrics", "integrations", "approvals")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r"""\bGET(?:\.get\w*\(|\[)["'](\w+)["']""", path.read_text())
    }
)
NONSENSE = ["é" * 3000, "-1", "9" * 30, "2026-02-30", "%", "null", "1;2", " ", "a:b:c"]


@pytest.mark.parametrize("name", [n for n in GUARDED if "GET" in TENANT_ROUTES[n][1]])
def test_nonsense_in_the_query_is_no_failure_of_ours(
    name: str,
    world: World,
    client_with: Callable[[Role], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name == "review:image":
        return
    url = address(GUARDED[name], world.tenant, world)
    member = client_with(TENANT_ROUTES[name][0])
    read = names_read(monkeypatch)
    for value in ["", *NONSENSE]:
        query = dict.fromkeys(QUERY_NAMES, value)
        assert member.get(url, query).status_code < 500, query
    # PostgreSQL takes no NUL; each name by itself, because the first refusal hides the others.
    for key in sorted(read):
        assert member.get(url, {key: "a\0b"}).status_code < 500, key


def names_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that views look up in a query or a form from now on."""
    read: set[str] = set()

    def note(way: str) -> None:
        plain = getattr(QueryDict, way)

        def noted(self: QueryDict, key: str, *default: object) -> object:
            read.add(key)
            return plain(self, key, *default)

        monkeypatch.setattr(QueryDict, way, noted)

    for way in ("get", "getlist", "__getitem__", "__contains__"):
        note(way)
    return read


@pytest.mark.parametrize(
    "name",
    [n for n in GUARDED if set(GUARDED[n].parameters) - {"tenant", "table", "kind", "listed"}],
)
def test_object_of_another_tenant_is_a_404(name: str, world: World, elsewhere: World) -> None:
    admin = client_for(world.admin)
    url = address(GUARDED[name], world.tenant, elsewhere)
    if "GET" in TENANT_ROUTES[name][1]:
        assert admin.get(url).status_code == 404
    if "POST" in TENANT_ROUTES[name][1]:
        assert admin.post(url, FORMS.get(name, {})).status_code == 404


@pytest.mark.parametrize(("name", "status"), PUBLIC_ROUTES.items())
def test_public_address_answers_a_visitor(db: None, client: Client, name: str, status: int) -> None:
    assert client.get(reverse(name)).status_code == status


@pytest.mark.parametrize("name", sorted(SIGNED_IN_ROUTES))
def test_visitor_is_sent_to_sign_in_elsewhere(db: None, client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert (response.status_code, response.headers["Location"][:9]) == (302, "/sign-in/")


def api_operations() -> list[tuple[str, str]]:
    """Method and address of each operation, as the API describes itself."""
    paths: dict[str, dict[str, Any]] = api.get_openapi_schema()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "00000000-0000-4000-8000-000000000000", path)


@pytest.mark.parametrize(("method", "path"), api_operations())
@pytest.mark.parametrize("sent", [None, "Bearer lm_wrong", "Basic bG1fd3Jvbmc6", "Bearer "])
def test_api_refuses_whoever_has_no_key(
    db: None, client: Client, method: str, path: str, sent: str | None
) -> None:
    headers = {"Authorization": sent} if sent is not None else {}
    response = client.generic(method, filled(path), "{}", "application/json", headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("method", "path"), api_operations())
def test_api_takes_no_cookie_for_a_key(as_ana: Client, method: str, path: str) -> None:
    assert as_ana.generic(method, filled(path), "{}", "application/json").status_code == 401


def test_every_api_address_is_an_operation_or_a_description() -> None:
    described = {re.sub(r"\{\w+\}", "*", path) for _, path in api_operations()}
    found = {
        route.name: re.sub(r"<(?:\w+:)?\w+>", "*", "/" + route.pattern)
        for route in routes()
        if route.pattern.startswith("api/")
    }
    assert {name for name, path in found.items() if path not in described} <= OPEN_API_ROUTES


def admin_pages() -> Iterator[str]:
    """Every page of Django admin whose address names no object."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for entry in patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns)
            elif entry.name and not entry.pattern.regex.groups:
                yield f"admin:{entry.name}"

    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and entry.namespace == "admin":
            yield from walk(entry.url_patterns)


@pytest.mark.parametrize("name", sorted({*admin_pages()} - {"admin:login", "admin:logout"}))
def test_django_admin_is_closed_to_tenants_own_admins(name: str, as_ana: Client) -> None:
    response = as_ana.get(reverse(name))
    assert response.status_code in (302, 404)
    assert "/login/" in response.headers.get("Location", "/login/")
