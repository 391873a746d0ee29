"""What is wrong, in words that can be pasted into a ticket: no secret, no mail address.

Each check yields findings; the pages say the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.checks import run_checks
from django.core.checks.messages import WARNING

from integrations.api_versions import version_problem
from integrations.app_secret import rotation
from integrations.models import Integration
from integrations.selectors.connections import failed_runs
from integrations.selectors.readiness import readiness_page
from integrations.words import health_of
from leadmetrics import queue
from leadmetrics.notices.models import Notice
from leadmetrics.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, what, whose turn it is, and the next step."""

    where: str
    what: str
    owner: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.owner}: {self.next_step}]"


Check = Callable[[Sequence[Tenant]], Iterator[Finding]]
OPERATOR = "Whoever runs this installation"


def examine(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    """Everything that is wrong with the installation and with these tenants."""
    for check in CHECKS:
        yield from check(tenants)


def _installation(_tenants: Sequence[Tenant]) -> Iterator[Finding]:
    for message in run_checks(databases=["default"]):
        if message.level >= WARNING and (message.id or "").startswith("leadmetrics."):
            yield Finding("Installation", message.msg, OPERATOR, message.hint or "Correct it.")


def _version(_tenants: Sequence[Tenant]) -> Iterator[Finding]:
    problem = version_problem()
    if problem is not None and not problem.has_ended:  # the ended one is a system check already
        yield Finding("Meta's API", problem.text, OPERATOR, problem.next_step)


def _app_secret(_tenants: Sequence[Tenant]) -> Iterator[Finding]:
    going_on = rotation()
    if going_on is not None:
        yield Finding("App secret", going_on.text, OPERATOR, going_on.next_step)


def worker_problem() -> Finding | None:
    """What keeps everything that runs by itself from running; None while it runs."""
    since = queue.late_since()
    if since is None:
        return None
    what = f"Nothing has started by itself since {since:%d %b %H:%M} UTC."
    return Finding("Worker", what, OPERATOR, "Start manage.py worker, or look at its log.")


def _worker(_tenants: Sequence[Tenant]) -> Iterator[Finding]:
    problem = worker_problem()
    if problem is not None:
        yield problem
    for name in queue.failing_schedules():
        what = f"“{name}” has not ended well for more than a day."
        yield Finding("Worker", what, OPERATOR, "Look at its log for why.")


def _connections(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    grants = Integration.objects.filter(tenant__in=tenants).select_related("tenant")
    for grant in grants.order_by("tenant__slug", "connected_at"):
        health = health_of(grant)
        if health.tone in ("bad", "warn"):
            where = f"{grant.tenant.slug}, {grant.meta_user_name} ({grant.pk})"
            what = f"{health.label}. {health.sentence}"
            yield Finding(where, what, health.owner, health.next_step)


def _readiness(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    for tenant in tenants:
        after: int | None = None
        while True:
            page = readiness_page(tenant, after=after)
            for row in page.rows:
                for cell in row.cells:
                    if cell.tone == "bad":
                        where = f"{tenant.slug}, {row.account}"
                        yield Finding(where, f"{cell.title}: {cell.text}", cell.who, cell.lost)
            if not page.after:
                break
            after = int(page.after)


def _reading(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    for tenant in tenants:
        for run in failed_runs(tenant, limit=100):
            yield Finding(
                f"{tenant.slug}, {run.label}", "the newest reading is incomplete", "An admin of "
                "this workspace", run.error or "Read it again under Connections.",
            )  # fmt: skip


def _mail(tenants: Sequence[Tenant]) -> Iterator[Finding]:
    stuck = Notice.objects.filter(
        tenant__in=tenants, sent_at=None, dropped_at=None, attempts__gte=3
    ).count()
    if stuck:
        yield Finding("Mail", f"{stuck} mails could not be sent", OPERATOR, "Check EMAIL_URL.")


CHECKS: Sequence[Check] = (
    _installation,
    _version,
    _app_secret,
    _worker,
    _connections,
    _readiness,
    _reading,
    _mail,
)
