"""`make bench`: every benchmark beside its reference, a table, and build/bench.json.

With names, as in ``python -m tests.bench report``, only those.
"""

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
    # They need Django to be set up.
    from tests.bench import keys, pull, push, queue, quiet, report, review, tokens

    benchmarks = {
        module.__name__.rpartition(".")[2]: module
        for module in (pull, report, review, queue, keys, push, quiet, tokens)
    }
    chosen = sys.argv[1:] or list(benchmarks)
    setup_test_environment()
    database = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    measures: list[Measure] = []
    try:
        for name in chosen:
            cache.clear()
            measures += benchmarks[name].run()
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
        teardown_test_environment()
    print(table(measures))
    write(measures, ROOT / "build" / "bench.json")
    return 0 if all(measure.ok for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
