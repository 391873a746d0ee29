"""Pressing the buttons of the stand-in's login dialog, and doing what a worker would do."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from integrations.models import Integration, SyncRun
from integrations.services.catalog import sync_catalog
from integrations.services.insights import pull_insights

ANA, BEN, VERA, SAM = (f"12200000000000{number}" for number in (1, 2, 3, 4))
ACME_EU, ACME_US, ACME_JP, OLD_SHOP = (f"act_21000000000000{number}" for number in (1, 2, 3, 4))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def press(
    url: str, button: str = "continue", *, person: str = ANA, without: Collection[str] = ()
) -> str:
    """Answer the dialog at ``url``; where it sends the browser, path and query only."""
    asked = dict(parse_qsl(urlsplit(url).query))
    ticked = [scope for scope in asked["scope"].split(",") if scope not in without]
    form = {**asked, **{f"scope:{scope}": "1" for scope in ticked}}
    body = urlencode({**form, "person": person, "decision": button}).encode()
    try:
        urllib.request.build_opener(_Stay).open(url.partition("?")[0], body, timeout=10)
    except urllib.error.HTTPError as answer:
        with answer:
            back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"
    raise AssertionError("the dialog did not send anyone back")


def work(integration: Integration) -> list[SyncRun]:
    """Do the grant's waiting runs, and those that they start, as a worker would; what was done."""
    done: list[SyncRun] = []
    while run := integration.sync_runs.filter(
        state=SyncRun.State.WAITING, lease_until=None
    ).first():
        do = sync_catalog if run.kind == SyncRun.Kind.CATALOG else pull_insights
        do(run_id=run.pk)
        run.refresh_from_db()
        done.append(run)
    return done
