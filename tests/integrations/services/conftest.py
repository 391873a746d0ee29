"""What tests of pulling share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def usual_time() -> Iterator[None]:
    """Far from a quarter of an hour, at which the stand-in's figures of today move on."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 32, tzinfo=UTC)):
        yield
