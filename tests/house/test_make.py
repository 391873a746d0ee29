"""The Makefile's own words: help, and one clear line when Python does not do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with a copy of the Makefile in an empty folder, without touching this checkout."""
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements").mkdir(exist_ok=True)
    for lock in ("run.txt", "dev.txt"):
        (folder / "requirements" / lock).touch()
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_is_the_default_and_lists_every_target(tmp_path: Path) -> None:
    listed = set(re.findall(r"^(\w+) ", make(tmp_path).stdout, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed == set(" ".join(phony).split())
    assert {"run", "test", "check", "bench", "clean", "help"} <= listed


@pytest.mark.parametrize("target", ["run", "test", "check", "bench"])
def test_too_old_python_gets_one_clear_line(tmp_path: Path, target: str) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")  # as the real one answers the question for its version
    old.chmod(0o755)
    done = make(tmp_path, target, f"PYTHON={old}")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert said == ["Leadmetrics needs Python 3.11 or newer; set PYTHON=/path/to/python3.11."]
    assert not (tmp_path / ".venv").exists()


def test_python_without_venv_gets_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    bare = tmp_path / "python3.11"
    bare.write_text(
        '#!/bin/sh\n[ "$1" = -c ] || { mkdir -p .venv/bin; touch .venv/bin/python; exit 1; }\n'
    )
    bare.chmod(0o755)
    done = make(tmp_path, "run", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_clean_keeps_the_data(tmp_path: Path) -> None:
    for folder in ("var", "build", ".venv"):
        (tmp_path / folder).mkdir()
    assert make(tmp_path, "clean").returncode == 0
    assert (tmp_path / "var").exists()
    assert not (tmp_path / "build").exists()
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_the_same_commands_as_people() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    commands = re.findall(
        r"^\s*(?:DATABASE_URL=\S+ )?make (\w+)(?: ARGS=\S+)?(?: >.*)?$", script, re.MULTILINE
    )
    assert commands == ["check", "test", "test"]
