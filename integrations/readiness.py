"""What each ad account in use is ready for; every gap with what is lost, who fixes it, and how.

Pure reading of what is stored: the views prefetch, nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from integrations.models import AdAccount, Integration, Page, PushTarget
from integrations.words import status_note

# Ad Set reference: an ad set holds at most 50 ads that are neither archived nor deleted.
ADS_PER_AD_SET = 50
_READS = frozenset({"ANALYZE", "ADVERTISE", "MANAGE"})
_WRITES = frozenset({"ADVERTISE", "MANAGE"})


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer of the grid. ``lost``, ``who`` and ``message`` are empty where all is well."""

    title: str
    tone: str
    text: str
    lost: str = ""
    who: str = ""
    message: str = ""

    @property
    def is_gap(self) -> bool:
        return bool(self.lost)

    @property
    def mail(self) -> str:
        """An address that opens a mail with the message."""
        return f"mailto:?subject={quote('Access for our ads at Meta')}&body={quote(self.message)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the columns look at."""

    account: AdAccount
    integration: Integration
    pages: Sequence[Page]
    targets: Sequence[PushTarget]

    @property
    def name(self) -> str:
        return f"{self.account.name} ({self.account.ad_account_id})"

    @property
    def who(self) -> str:
        return self.integration.meta_user_name


@dataclass(frozen=True, slots=True)
class Row:
    """An ad account with its cells, in the order of ``COLUMNS``."""

    account: AdAccount
    cells: list[Cell]

    @property
    def gaps(self) -> int:
        return sum(cell.is_gap for cell in self.cells)

    @property
    def blocks(self) -> int:
        """How many of the gaps keep reading or creating ads from working at all."""
        return sum(cell.tone == "bad" for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Gaps:
    """The rows that need somebody most, how many need somebody, and how many rows there are."""

    rows: list[Row]
    with_gaps: int
    total: int

    @property
    def titles(self) -> list[str]:
        return [cell.title for cell in self.rows[0].cells] if self.rows else []


def worst_first(rows: Iterable[Row], limit: int) -> Gaps:
    """The ``limit`` worst of the rows with gaps: most blocked, then most gaps, then by name."""
    found = list(rows)
    open_rows = [row for row in found if row.gaps]
    open_rows.sort(key=lambda row: (-row.blocks, -row.gaps, row.account.name, row.account.pk))
    return Gaps(open_rows[:limit], len(open_rows), len(found))


def readiness_of(
    account: AdAccount,
    integration: Integration,
    pages: Sequence[Page],
    targets: Sequence[PushTarget],
) -> Row:
    """The account's row; ``targets`` are its live push targets with ad set."""
    facts = Facts(account, integration, pages, targets)
    return Row(account, [column(facts) for column in COLUMNS])


def _read(facts: Facts) -> Cell:
    lost = "Performance cannot be read."
    if not facts.integration.is_usable:
        return _reconnect("Read", facts, lost)
    if facts.account.gone_at or not _READS & set(facts.account.user_tasks):
        return Cell(
            "Read", "bad", "No access", lost, "An admin of the ad account",
            f"Hello,\n\nplease give {facts.who} at least the task “View performance” on the ad "
            f"account {facts.name}: Business settings, Accounts, Ad accounts, Add people.\n\n"
            "Without it its performance cannot be read. Thank you!",
        )  # fmt: skip
    if not {"ads_read", "ads_management"} & set(facts.integration.granted_scopes):
        return _scope("Read", facts, "ads_read", lost)
    return Cell("Read", "good", "Yes")


def _write(facts: Facts) -> Cell:
    lost = "Approved ads cannot be created and wait."
    if not facts.integration.is_usable:
        return _reconnect("Write", facts, facts.account.held_because or lost)
    if "ads_management" not in facts.integration.granted_scopes:
        return _scope("Write", facts, "ads_management", lost)
    if facts.account.gone_at or not _WRITES & set(facts.account.user_tasks):
        return Cell(
            "Write", "bad", "Reads only", lost, "An admin of the ad account",
            f"Hello,\n\nplease give {facts.who} the task “Manage campaigns” on the ad account "
            f"{facts.name}: Business settings, Accounts, Ad accounts, Add people.\n\n"
            "Without it approved ads cannot be created there. Thank you!",
        )  # fmt: skip
    return Cell("Write", "good", "Yes")


def _page(facts: Facts) -> Cell:
    page = _page_of(facts)
    if page is not None and page.can_advertise:
        return Cell("Page", "good", page.name)
    return Cell(
        "Page", "bad", "None", "No ad can speak for a Page.", "An admin of the Page",
        f"Hello,\n\nplease give {facts.who} the task “Ads” on the Facebook Page that the ads of "
        f"{facts.name} speak for: Business settings, Accounts, Pages, Add people.\n\nThank you!",
    )  # fmt: skip


def _instagram(facts: Facts) -> Cell:
    page = _page_of(facts)
    if page is not None and page.instagram_account_id:
        return Cell("Instagram", "good", "Connected")
    page_name = page.name if page is not None else "the Page"
    return Cell(
        "Instagram", "warn", "None", "Ads on Instagram show the Page's name only.",
        "An admin of the Page",
        f"Hello,\n\nplease connect the Instagram account to the Facebook Page {page_name}: Page "
        "settings, Linked accounts, Instagram.\n\nWithout it our ads on Instagram speak as the "
        "Page. Thank you!",
    )  # fmt: skip


def _billing(facts: Facts) -> Cell:
    account = facts.account
    if account.can_run_ads:
        return Cell("Billing", "good", account.status_label)
    return Cell(
        "Billing", "bad", account.status_label, status_note(account),
        "An admin of the ad account",
        f"Hello,\n\nMeta says of the ad account {facts.name}: {account.status_label.lower()}. "
        "Please settle that in Ads Manager under Billing or Account quality; no ad can be created "
        "until then. Thank you!",
    )  # fmt: skip


def _days_and_money(facts: Facts) -> Cell:
    account = facts.account
    text = f"{account.currency} · {account.timezone}"
    if account.timezone == facts.integration.tenant.timezone:
        return Cell("Currency and timezone", "good", text)
    return Cell("Currency and timezone", "neutral", text)


def _room(facts: Facts) -> Cell:
    if not facts.targets:
        return Cell(
            "Room for ads", "warn", "No target", "Approved ads have no place to go.",
            "An admin of this workspace",
            f"Hello,\n\nplease make a push target for {facts.name}: Connections, New push target."
            "\n\nThank you!",
        )  # fmt: skip
    full = [t for t in facts.targets if _left(t) == 0]
    if full:
        names = ", ".join(target.ad_set.name for target in full)
        return Cell(
            "Room for ads", "bad", "Full", f"{names}: 50 ads are in it; Meta takes no more.",
            "Whoever runs the campaigns",
            f"Hello,\n\nin {facts.name} these ad sets hold 50 ads, Meta's limit: {names}. Please "
            "archive ads there that are not needed any more. Approved ads wait for the room. "
            "Thank you!",
        )  # fmt: skip
    lefts = [left for target in facts.targets if (left := _left(target)) is not None]
    return Cell("Room for ads", "good", f"{min(lefts)} of 50 left" if lefts else "Not counted yet")


def _declarations(facts: Facts) -> Cell:
    silent = [target.ad_set.name for target in facts.targets if not target.ad_set.names_advertiser]
    if not facts.targets:
        return Cell("Advertiser named", "neutral", "No target")
    if not silent:
        return Cell("Advertiser named", "good", "Yes")
    names = ", ".join(silent)
    return Cell(
        "Advertiser named", "warn", "Not everywhere",
        f"{names}: Meta refuses ads shown in the EU without beneficiary and payer.",
        "Whoever runs the campaigns",
        f"Hello,\n\nplease enter beneficiary and payer in these ad sets of {facts.name}: {names} "
        "(Ads Manager, ad set, Advertiser). Meta refuses ads shown in the EU without them. "
        "Thank you!",
    )  # fmt: skip


COLUMNS: Sequence[Callable[[Facts], Cell]] = (
    _read,
    _write,
    _page,
    _instagram,
    _billing,
    _days_and_money,
    _room,
    _declarations,
)


def _page_of(facts: Facts) -> Page | None:
    """The Page that speaks: the account's own choice, a target's, else one that may."""
    wanted = [facts.account.default_page_id, *(target.page_id for target in facts.targets)]
    known = {page.pk: page for page in facts.pages}
    for pk in wanted:
        if pk in known:
            return known[pk]
    return next((page for page in facts.pages if page.can_advertise), None)


def _left(target: PushTarget) -> int | None:
    count = target.ad_set.ad_count
    return None if count is None else max(0, ADS_PER_AD_SET - count)


def _reconnect(title: str, facts: Facts, lost: str) -> Cell:
    return Cell(
        title, "bad", "Not connected", lost, facts.who,
        f"Hello {facts.who},\n\nyour Facebook connection in Leadmetrics does not work any more. "
        "Please open Connections there and press Reconnect: one click, every setting stays. "
        "Thank you!",
    )  # fmt: skip


def _scope(title: str, facts: Facts, scope: str, lost: str) -> Cell:
    return Cell(
        title, "bad", "Permission missing", lost, facts.who,
        f"Hello {facts.who},\n\nthe permission {scope} is missing in your Facebook connection. "
        "Please open Connections in Leadmetrics, press “Ask again” and leave everything ticked. "
        "Thank you!",
    )  # fmt: skip
