"""`.env.example` names every variable the product reads, and its values are the defaults."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
SHOW = """
import json
from leadmetrics import settings
shown = {name: value for name, value in vars(settings).items() if name.isupper()}
print(json.dumps(shown, default=str, sort_keys=True))
"""


def variables_read() -> set[str]:
    """The names that leadmetrics/settings.py passes to its three readers."""
    tree = ast.parse((ROOT / "leadmetrics/settings.py").read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("_text", "_list", "_required")
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def settings_with(variables: dict[str, str], data_dir: Path) -> dict[str, object]:
    environment = {"PATH": os.environ["PATH"], **variables, "DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    shown: dict[str, object] = json.loads(done.stdout)
    return shown


def test_every_variable_is_listed_and_every_listed_one_is_read() -> None:
    assert variables_read() == set(EXAMPLE)


def test_settings_read_the_environment_in_no_other_way() -> None:
    text = (ROOT / "leadmetrics/settings.py").read_text()
    assert len(re.findall(r"\benv\.(?!str\b|db_url_config\b|email_url_config\b)\w+\(", text)) == 0
    assert len(re.findall(r"\benv\.str\(", text)) == 1  # in _text
    assert "os.environ" not in text


def test_nothing_but_settings_reads_the_environment() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("leadmetrics", "integrations", "approvals")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text())
    ]
    assert found == ["leadmetrics/wsgi.py"]  # names the settings module


def test_copying_the_example_changes_nothing(tmp_path: Path) -> None:
    blank = dict.fromkeys(EXAMPLE, "")
    assert settings_with(EXAMPLE, tmp_path) == settings_with(blank, tmp_path)


def test_each_variable_is_explained() -> None:
    blocks = re.split(r"\n\n", (ROOT / ".env.example").read_text())
    assert len(EXAMPLE) > 10
    assert [block for block in blocks if "=" in block and "#" not in block] == []
