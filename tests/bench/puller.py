"""A process that does what one of the queue's workers does with pulls, and says what it took.

Its memory is its own only if it starts fresh, so the benchmark starts as many of these as the queue
has workers, tells each by its input where everything is, and says when to begin.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def main() -> None:
    """Print CPU seconds and peak memory in MB as JSON."""
    told = json.loads(sys.stdin.readline())
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = told["database"]
    settings.ENCRYPTION_KEYS = {name: bytes.fromhex(key) for name, key in told["keys"].items()}
    settings.META_API_BASE_URL = told["base_url"]
    django.setup()
    from integrations.models import SyncRun
    from integrations.services.insights import pull_insights

    runs = SyncRun.objects.filter(state__in=("waiting", "running")).order_by("created_at")
    waiting = runs.filter(state="waiting")
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    while runs.exists():
        run = waiting.first()
        if run is None:
            time.sleep(0.05)
        else:
            pull_insights(run_id=run.pk)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": time.process_time() - cpu, "megabytes": peak}))


if __name__ == "__main__":
    main()
