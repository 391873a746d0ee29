"""Listening to what every answer of Meta's says about the version that answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from integrations.api_versions import note_answer
from integrations.meta_ads.transport import Observer
from integrations.meta_ads.types import UsageSnapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VersionWatch:
    """An observer that notes versions and hands the usage on to another one, if there is one."""

    then: Observer | None = None

    def on_usage(self, ad_account_id: str, usage: UsageSnapshot) -> None:
        """Passed on as it is."""
        if self.then is not None:
            self.then.on_usage(ad_account_id, usage)

    def on_version(self, answered: str, warning: str) -> None:
        """News is logged as a warning, once, and shown to admins and support."""
        if note_answer(answered, warning):
            logger.warning(
                "Meta answered with version %s%s",
                answered or "unnamed",
                " and warned of its end" if warning else "",
            )
        if self.then is not None:
            self.then.on_version(answered, warning)
