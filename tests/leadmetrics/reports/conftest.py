"""A clock that stands still, so that yesterday is always the same day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from tests.leadmetrics.reports.worlds import NOW


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield
