"""Settings for the suite: the product's own, with data in a folder of its own.

Only DATABASE_URL is taken from outside; a developer's .env or exported variables must not decide
what a test sees, and a test must not write into a developer's data.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_DATA_DIR = tempfile.mkdtemp(prefix="leadmetrics-tests-")
atexit.register(shutil.rmtree, _DATA_DIR, ignore_errors=True)

for _name in re.findall(r"^([A-Z_]+)=", (_ROOT / ".env.example").read_text(), re.MULTILINE):
    if _name != "DATABASE_URL":
        os.environ[_name] = ""
os.environ.setdefault("DATABASE_URL", "")
os.environ["DATA_DIR"] = _DATA_DIR

from leadmetrics.settings import *  # noqa: E402, F403
from leadmetrics.settings import (  # noqa: E402
    BASE_DIR,
    DATA_DIR,
    DATABASES,
    STATIC_ROOT,
    STORAGES,
    TEMPLATES,
)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because a database in memory belongs to one thread.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}


class FailOnUnknownVariable(str):
    """Django puts the name of an unknown variable into this text; in our own pages that fails.

    Its admin's templates rely on unknown variables being empty, so there they are.
    """

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "%s"

    def __mod__(self, variable: object) -> str:
        context = sys._getframe(1).f_locals["context"]
        template = context.render_context.template or context.template
        if Path(template.origin.name).is_relative_to(BASE_DIR / "templates"):
            raise AssertionError(f"{template.origin.name} uses an unknown variable: {variable}")
        return ""


_options: dict[str, object] = TEMPLATES[0]["OPTIONS"]  # type: ignore[assignment]
_options["string_if_invalid"] = FailOnUnknownVariable("%s")
