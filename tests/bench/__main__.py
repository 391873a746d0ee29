"""`make bench`: every benchmark beside its reference, a table, and build/bench.json."""

from __future__ import annotations

import os
import sys

import django
from django.core.cache import cache
from django.db import connection
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.bench.measure import Measure, table, write
from tests.stack import ROOT


def main() -> int:
    """Run them all; 1 when a goal was missed."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from tests.bench import pull, push, queue, review, tokens  # they need Django to be set up

    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    measures: list[Measure] = []
    try:
        for benchmark in (pull, review, queue, push, tokens):
            cache.clear()
            measures += benchmark.run()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
    print(table(measures))
    write(measures, ROOT / "build" / "bench.json")
    return 0 if all(measure.ok for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
