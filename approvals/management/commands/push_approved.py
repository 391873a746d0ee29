"""manage.py push_approved"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from approvals.selectors import due_pushes
from approvals.services.push import push_variant


class Command(BaseCommand):
    help = "Send what is approved and due now, one after the other, without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="only this tenant")

    def handle(self, *_args: Any, **options: Any) -> None:
        due = due_pushes().select_related("variant__head")
        if options["tenant"]:
            due = due.filter(variant__tenant__slug=options["tenant"])
        troubled = 0
        for push in list(due):
            push_variant(push_id=push.pk)
            push.refresh_from_db()
            self.stdout.write(
                f"{push.reference} {push.get_state_display()} {push.problem}".rstrip()
            )
            troubled += push.state == push.State.FAILED
        if troubled:
            raise SystemExit(1)
