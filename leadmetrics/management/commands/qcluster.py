"""manage.py qcluster"""

from __future__ import annotations

from typing import Any

from django.core.management import load_command_class

from leadmetrics.processes import end_forks_with_their_parent

_QueuesOwn: Any = type(load_command_class("django_q", "qcluster"))


class Command(_QueuesOwn):  # type: ignore[misc]
    """The queue's own command; none of the processes that it forks is left behind."""

    def handle(self, *args: Any, **options: Any) -> None:
        end_forks_with_their_parent()
        super().handle(*args, **options)
