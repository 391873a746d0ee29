"""What the suite itself promises: nothing is skipped quietly, no unknown variable slips through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from leadmetrics.tenancy.actors import human
from leadmetrics.tenancy.models import Tenant, User
from tests.builders import client_for

ROOT = Path(__file__).resolve().parent.parent.parent


def without_a_browser(**variables: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "DATABASE_URL", "PATH")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/house/browser_probe.py"],
        env={**kept, "PATH": "/nonexistent", **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_missing_browser_is_said_loudly_at_the_end() -> None:
    done = without_a_browser()
    assert done.returncode == 0
    *_, summary, loud = done.stdout.strip().splitlines()
    assert loud.startswith("NOT TESTED IN A BROWSER: 1 tests were skipped")
    assert "1 skipped" in summary


def test_missing_browser_fails_in_ci() -> None:
    done = without_a_browser(CI="true")
    assert done.returncode == 1
    assert "there is no chromium on this machine" in done.stdout


def test_unknown_variable_in_a_template_of_ours_fails() -> None:
    with pytest.raises(AssertionError, match=r"components/_metric\.html uses an unknown variable"):
        render_to_string("components/_metric.html", {})


def test_django_admins_own_templates_may_have_unknown_variables(acme: Tenant) -> None:
    sam = User.objects.create_superuser("sam@leadmetrics.example", name="Sam")
    support = client_for(human(sam, acme))
    for path in ("/admin/", "/admin/tenancy/tenant/", f"/admin/tenancy/tenant/{acme.pk}/change/"):
        assert support.get(path).status_code == 200, path


def test_data_of_tests_lies_in_a_folder_of_their_own() -> None:
    assert not settings.DATA_DIR.is_relative_to(ROOT)
    assert settings.SANDBOX
