"""What the campaign kills: the product's processes under the product's own supervisor.

python -m tests.campaign.processes           stand-in, web and job clusters, until stopped
python -m tests.campaign.processes stand-in  only the stand-in, with room for many ads
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

CLUSTERS = 2
ACCOUNT, AD_SETS = "900", 30


def main(words: list[str]) -> None:
    """Run what the words name."""
    if words == ["stand-in"]:
        serve_stand_in()
        return
    django.setup()
    from leadmetrics.management.commands.up import _web
    from leadmetrics.processes import Child, Supervisor, cluster

    stand_in = Child("stand-in", [sys.executable, "-m", __spec__.name, "stand-in"], grace=5.0)
    supervisor = Supervisor([stand_in, _web(), *(cluster() for _ in range(CLUSTERS))])
    supervisor.stop_on_signals()
    threading.Thread(target=sweep, daemon=True).start()
    supervisor.run()


def sweep() -> None:
    """What the minute's schedule does, each second."""
    from django.db import Error, connection

    from approvals.services.push import sweep_pushes

    while True:
        try:
            sweep_pushes()
        except Error:  # the tables are busy; the next second is another one
            connection.close()
        time.sleep(1)


def serve_stand_in() -> None:
    """The stand-in with an ad account that has room for 1,500 ads."""
    from integrations.sandbox.server import serve

    serve(
        port=settings.SANDBOX_PORT,
        state_file=settings.DATA_DIR / "sandbox.json",
        seed_file=_seed(),
        app_id=settings.META_APP_ID,
        app_secret=settings.META_APP_SECRET,
    )


def seed_with_room() -> dict[str, Any]:
    """The stand-in's usual world and one more ad account of Ana's, with empty ad sets."""
    from integrations.sandbox.seed import read_seed

    seed = read_seed()
    ana, model = seed["people"][0], seed["accounts"][0]
    ana["accounts"][ACCOUNT] = ana["accounts"]["1"]
    campaign = {**model["campaigns"][0], "name": "Campaign"}
    campaign["adsets"] = [{"name": f"Ad set {n}", "ads": 0} for n in range(AD_SETS)]
    seed["accounts"].append(
        {**model, "key": ACCOUNT, "name": "Campaign", "audiences": [], "campaigns": [campaign]}
    )
    return seed


def _seed() -> Path:
    path = Path(settings.DATA_DIR) / f"seed-{os.getpid()}.json"
    path.write_text(json.dumps(seed_with_room()), encoding="utf-8")
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
