"""What opening the link has shown: whether it answers, where it ends, what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from approvals.checks.finding import Finding
from approvals.checks.links import about_link, host_of, shown_host, site_of
from approvals.checks.offers import check_offers
from approvals.limits import AdCopy


@dataclass(frozen=True, slots=True)
class Opened:
    """How a link was opened. ``refusal`` says why it was not, ``status`` is None without an answer.

    ``link`` is where it ended, ``page_text`` what that page says.
    """

    refusal: str = ""
    status: int | None = None
    link: str = ""
    page_text: str = ""


def check_landing(copy: AdCopy, opened: Opened) -> Iterator[Finding]:
    """Warnings that point at the link's host, or at the prices and dates that the page lacks."""
    host = host_of(copy.link)
    final = host_of(opened.link)
    if opened.refusal:
        yield about_link(copy.link, host, "link_not_opened", f"Link not opened: {opened.refusal}")
    elif opened.status is None:
        words = "The link gave no answer within ten seconds. Open it yourself."
        yield about_link(copy.link, host, "link_silent", words)
    elif opened.status >= 300:
        words = f"The link answers with an error ({opened.status}). Open it yourself."
        yield about_link(copy.link, host, "link_error", words)
    else:
        if site_of(final) != site_of(host):
            words = f"The link leads on to another site: {shown_host(final)}."
            yield about_link(copy.link, host, "link_leads_on", words)
        yield from check_offers(copy, opened.page_text)
