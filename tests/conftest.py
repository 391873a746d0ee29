"""What the whole suite shares: two tenants with their people, the stand-in, the real product."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from leadmetrics.audit import append_only
from leadmetrics.tenancy.actors import Actor
from leadmetrics.tenancy.models import Role, Tenant
from tests import prepared
from tests.builders import client_for, make_member, make_tenant
from tests.stack import Stack, chromium, open_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from integrations.sandbox.server import SandboxHandle

NO_BROWSER = "there is no chromium on this machine"


# What starts the real product takes longest, so it begins first when processes share the suite.
LONG = ("flows/", "campaign/", "house/test_up.py", "leadmetrics/test_processes.py")
EVERY_PAGE = "test_accessibility"


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: what has a browser or kills processes waits much."""
    return (os.cpu_count() or 1) + 1


def pytest_configure() -> None:
    prepared.begin()


@pytest.hookimpl(tryfirst=True)  # the groups are read by a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module stays in one process; so do all that share the product that the suite starts.

    What looks at every page does not: it takes as long as half of them, in a product of its own.
    """
    here = Path(__file__).parent
    items.sort(key=lambda item: not str(item.path.relative_to(here)).startswith(LONG))
    for item in items:
        shares = "stack" in getattr(item, "fixturenames", ()) and item.path.stem != EVERY_PAGE
        item.add_marker(pytest.mark.xdist_group("stack" if shares else str(item.path)))


def pytest_collection_finish() -> None:
    """The modules stay until the end: looking through them for garbage took a tenth of the run."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The test database begins as a copy of the migrated one."""
    test: dict[str, Any] = connection.settings_dict["TEST"]
    if connection.vendor == "sqlite":
        prepared.copy_file(test["NAME"])
    else:
        test["TEMPLATE"] = prepared.template()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A file that is there already is not to be replaced; it goes with its folder."""
    return connection.vendor == "sqlite"


@pytest.fixture(autouse=True)
def _emptied_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """The flush after a transactional test needs the append-only triggers out of its way.

    post_migrate, which the flush sends, puts them back.
    """
    marker = request.node.get_closest_marker("django_db")
    by_marker = marker is not None and bool(marker.kwargs.get("transaction"))
    if not by_marker and "transactional_db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    append_only.remove()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Rows of two tests may share an id, so counters of the one must not slow the other.

    Nor must a database whose rows were rolled back look like a restored one.
    """
    cache.clear()
    (Path(settings.DATA_DIR) / "outgoing.json").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _nothing_is_asked_to_run(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever answers for Meta in a test: no write of it may ask for ACTIVE."""
    if request.node.get_closest_marker("activates"):
        yield
        return
    from integrations.meta_ads.transport import Transport

    plain = Transport.post
    asked: list[str] = []

    def noted(self: Transport, path: str, data: Any, *rest: Any, **more: Any) -> Any:
        asked.extend(path for status in _statuses(data) if status == "ACTIVE")
        return plain(self, path, data, *rest, **more)

    with patch.object(Transport, "post", noted):
        yield
    assert not asked, "only a test marked `activates` may switch an ad on"


@pytest.fixture
def acme(db: None) -> Tenant:
    return make_tenant()


@pytest.fixture
def harbour(db: None) -> Tenant:
    return make_tenant("harbour", "Harbour Books", timezone="Europe/London")


@pytest.fixture
def ana(acme: Tenant) -> Actor:
    """Acme's admin."""
    return make_member(acme, "Ana", Role.ADMIN)


@pytest.fixture
def ben(acme: Tenant) -> Actor:
    """Acme's reviewer."""
    return make_member(acme, "Ben", Role.REVIEWER)


@pytest.fixture
def vera(acme: Tenant) -> Actor:
    """Acme's viewer."""
    return make_member(acme, "Vera", Role.VIEWER)


@pytest.fixture
def olga(harbour: Tenant) -> Actor:
    """The outsider: admin of another tenant."""
    return make_member(harbour, "Olga", Role.ADMIN)


@pytest.fixture
def as_ana(ana: Actor) -> Client:
    return client_for(ana)


@pytest.fixture
def as_ben(ben: Actor) -> Client:
    return client_for(ben)


@pytest.fixture
def as_vera(vera: Actor) -> Client:
    return client_for(vera)


@pytest.fixture
def as_olga(olga: Actor) -> Client:
    return client_for(olga)


class StandIn:
    """The stand-in Graph API in this process, over real HTTP."""

    def __init__(self, handle: SandboxHandle) -> None:
        self.base_url = handle.base_url

    def control(self, **switches: Any) -> Any:
        """Carry out switches of the control endpoint; what each answered."""
        request = urllib.request.Request(
            f"{self.base_url}/sandbox/control",
            json.dumps(switches).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def ads_asked_to_run(self) -> list[str]:
        """The path of every write so far that asked for ACTIVE, wherever in it that stands.

        A new ad without a status is ACTIVE at Meta, too.
        """
        return [
            write["path"]
            for write in self.read("writes")["writes"]
            if "ACTIVE" in _statuses(write["params"])
            or (write["path"].endswith("/ads") and "status" not in write["params"])
        ]

    def read(self, path: str) -> Any:
        """The JSON behind one of the stand-in's own addresses."""
        with urllib.request.urlopen(f"{self.base_url}/sandbox/{path}") as response:
            return json.load(response)


def _statuses(params: Any) -> Iterator[str]:
    """Every value under a key that names a status, however deep; JSON inside text counts, too."""
    if isinstance(params, str) and params[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            params = json.loads(params)
    if isinstance(params, dict):
        for name, value in params.items():
            if "status" in name and isinstance(value, str):
                yield value
            yield from _statuses(value)
    elif isinstance(params, list):
        for value in params:
            yield from _statuses(value)


@pytest.fixture
def stand_in(settings: Any, request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """A fresh stand-in that the product's settings point at.

    Afterwards its journal must not hold a write that asks for ACTIVE, unless the test is about
    just that.
    """
    from integrations.sandbox.server import start_in_thread

    handle = start_in_thread()
    settings.META_API_BASE_URL = handle.base_url
    settings.META_OAUTH_DIALOG_URL = f"{handle.base_url}/v26.0/dialog/oauth"
    opened = StandIn(handle)
    yield opened
    started = opened.ads_asked_to_run()
    handle.stop()
    if request.node.get_closest_marker("activates") is None:
        assert not started, "only a test marked `activates` may switch an ad on"


_ACTIVATED = """
from approvals.models import Activation
print(*Activation.objects.values_list("push__ad_id", flat=True))
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real product with its demo workspace; flow tests share it and find what others left."""
    running = Stack(tmp_path_factory.mktemp("stack"))
    running.migrate()
    running.up()
    yield running
    try:
        asked = running.ads_asked_to_run()
        acts = running.manage("shell", "-v", "0", "-c", _ACTIVATED).split()
        assert asked <= set(acts), "an ad was asked to run without anybody's act"
        running.stop()
    finally:
        running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for a module: while it is open, the database cannot be used in this thread."""
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window without cookies; what the page's scripts or its CSP complain of fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if _is_trouble(said) else None)
    yield opened
    context.close()
    assert complaints == []


def _is_trouble(said: Any) -> bool:
    # A test may well ask for a page that answers 404 or 409.
    return said.type == "error" and not said.text.startswith("Failed to load resource")


def pytest_unconfigure(config: pytest.Config) -> None:
    """A suite that skipped its browser tests must not look like one that passed them."""
    prepared.end()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    skipped = [report for report in reports if NO_BROWSER in str(report.longrepr)]
    if reporter and skipped:
        reporter.write_line(
            f"NOT TESTED IN A BROWSER: {len(skipped)} tests were skipped, {NO_BROWSER}. "
            "On Debian: apt install chromium",
            red=True,
            bold=True,
        )
