"""The stand-in's books, in the form in which the invariants are checked against them."""

from __future__ import annotations

from typing import Any

from approvals.invariants import Ledger
from integrations.meta_ads.ads import read_creative
from integrations.services.publishing import content_of


def ledger_of(state: dict[str, Any], writes: list[dict[str, Any]]) -> Ledger:
    """From what the stand-in answers to ``/sandbox/state`` and ``/sandbox/writes``."""
    return Ledger(
        ads=state["ads"],
        writes=writes,
        content={
            creative["id"]: content_of(read_creative(creative)) for creative in state["creatives"]
        },
    )
