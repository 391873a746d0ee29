from __future__ import annotations

import pytest

from tests.sabotage import ROOT, SABOTAGES, Sabotage


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.name)
def test_sabotage_still_finds_what_it_breaks_and_who_notices(sabotage: Sabotage) -> None:
    source = (ROOT / sabotage.file).read_text(encoding="utf-8")
    assert source.count(sabotage.old) == 1
    for test in sabotage.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
