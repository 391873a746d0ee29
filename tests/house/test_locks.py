"""The lock files install the same everywhere, from whichever index the machine uses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).resolve().parent.parent.parent / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))


def pins(lock: Path) -> dict[str, str]:
    """Package to version, for every line that names one."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", lock.read_text(), re.M)
    return {name.lower(): version for name, version in found}


def test_the_locks_are_there() -> None:
    assert [lock.name for lock in LOCKS] == ["dev.txt", "run.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_holds_no_address(lock: Path) -> None:
    assert re.findall(r"\S*://\S*|^\s*-\S*index\S*.*|^\s*-f\s.*", lock.read_text(), re.M) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    assert [line for line in lines if "--hash=sha256:" not in line] == []


def test_tests_run_with_the_very_versions_that_the_product_runs_with() -> None:
    run, dev = pins(REQUIREMENTS / "run.txt"), pins(REQUIREMENTS / "dev.txt")
    assert run
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_fits_what_pyproject_asks_for(lock: Path) -> None:
    project = tomllib.loads((REQUIREMENTS.parent / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["redis"]
    if lock.name == "dev.txt":
        asked += project["optional-dependencies"]["dev"]
    wanted = [Requirement(text) for text in asked if not text.startswith("leadmetrics")]
    locked = pins(lock)
    assert len(wanted) > 10
    assert [str(r) for r in wanted if locked.get(r.name.lower(), "0") not in r.specifier] == []


def test_nothing_for_tests_only_is_installed_to_run() -> None:
    assert pins(REQUIREMENTS / "run.txt").keys().isdisjoint({"pytest", "mypy", "playwright"})
