"""manage.py rotate_encryption_keys"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.services.rekey import rekey_tokens, tokens_under_old_keys


class Command(BaseCommand):
    help = (
        "Seal every stored token anew with the first key of ENCRYPTION_KEYS, while the product "
        "runs. First restart everything with the new key in front and the old one behind it. Exit "
        "code 1 if a token is left under an old key; take that key away only after 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self.stdout.write(f"{tokens_under_old_keys()} tokens are under an old key.")
            return
        result = rekey_tokens()
        left = tokens_under_old_keys()
        self.stdout.write(
            f"{result.done} sealed anew, {result.overtaken} changed meanwhile by the product, "
            f"{left} left under an old key."
        )
        if left:
            raise CommandError(
                f"{result.unreadable} cannot be opened with any key that is set; restore the key "
                "or let their people reconnect. Run this again before you take a key away."
            )
