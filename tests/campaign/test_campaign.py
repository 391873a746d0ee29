"""The promise of the product under SIGKILL, and proof that this can fail.

`make campaign` runs the long one: 1,000 pushes, 1,500 kills.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.campaign import NAIVE, Campaign, in_words

PUSHES, KILLS = 100, 150
# The limits are wide because other tests run beside it on two cores.
MOST_SECONDS, PATIENCE = 180, 120


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Callable[..., Campaign]]:
    made: list[Campaign] = []

    def make(**options: Any) -> Campaign:
        made.append(Campaign(tmp_path / "installation", **options))
        return made[0]

    yield make
    made[0].close()


def test_every_approval_becomes_exactly_one_paused_ad_whatever_dies(
    campaign: Callable[..., Campaign], capsys: pytest.CaptureFixture[str]
) -> None:
    result = campaign(pushes=PUSHES, seed=20261124).run(
        kills=KILLS, seconds=MOST_SECONDS, patience=PATIENCE
    )
    with capsys.disabled():
        print(f"\n{in_words(result)}")
    figures = result["figures"]
    assert result["violations"] == []
    assert figures["pushes"] == PUSHES
    assert figures["doubled"] == figures["lost"] == figures["not paused"] == 0
    assert figures["kills"] >= KILLS
    assert result["settled"]
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert figures["seconds to the end after the last fault"] <= 30 * busy


def test_obvious_order_of_steps_doubles_ads_in_the_same_campaign(
    campaign: Callable[..., Campaign],
) -> None:
    naive = campaign(pushes=30, seed=20261124, **NAIVE)
    result = naive.run(kills=400, seconds=MOST_SECONDS, patience=1, until_doubled=True)
    assert result["figures"]["doubled"] > 0, in_words(result)
    assert any(" Meta holds " in each for each in result["violations"])
