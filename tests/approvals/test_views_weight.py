"""What the review page makes a browser load: little, and only from us."""

from __future__ import annotations

import gzip
import re

from tests.approvals.conftest import propose
from tests.approvals.pages import review
from tests.builders import client_for
from tests.house.test_static import STATIC

SCRIPTS = re.compile(r'<script[^>]*\ssrc="([^"]+)"')
LOADED = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*?\s(?:src|href)="([^"]+)"')
MOST_BYTES = 60_000


def test_the_review_page_loads_little_script_and_nothing_from_elsewhere(agent, target, vera):
    page = client_for(vera).get(review("variant", propose(agent, target))).content.decode()
    scripts = SCRIPTS.findall(page)
    files = [STATIC / re.sub(r"^/static/|\?.*$", "", script) for script in scripts]
    assert len(files) >= 3
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < MOST_BYTES
    loaded = LOADED.findall(page)
    assert len(loaded) > len(scripts)
    assert [address for address in loaded if not re.match(r"/(?!/)", address)] == []
