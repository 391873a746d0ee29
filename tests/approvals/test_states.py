from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from approvals.models import AdVariant
from approvals.states import VARIANT_MOVES, VariantStatus, move
from leadmetrics.errors import StateConflict


def test_only_the_ways_of_the_table_exist(variant):
    """All pairs of states, there and back."""
    gone = set()
    for came_from in VariantStatus:
        for to in VariantStatus:
            AdVariant.objects.update(status=came_from)
            variant.status = came_from
            try:
                move(variant, to)
            except StateConflict:
                assert AdVariant.objects.get().status == came_from
            else:
                assert AdVariant.objects.get().status == to
                gone.add((came_from, to))
    assert gone == {(came_from, to) for came_from, ways in VARIANT_MOVES.items() for to in ways}


def test_whoever_comes_second_moves_nothing(variant):
    AdVariant.objects.update(status=VariantStatus.REJECTED)
    with pytest.raises(StateConflict):
        move(variant, VariantStatus.APPROVED)
    assert AdVariant.objects.get().status == VariantStatus.REJECTED


def test_a_status_is_written_in_one_place():
    sources = Path(settings.BASE_DIR, "approvals").rglob("*.py")
    writing = re.compile(r"update\([^)]*\bstatus=|variant\.status = ")
    found = {path.name for path in sources if writing.search(path.read_text())}
    assert found == {"states.py"}
