"""What the pages load: ours or vendored with its hash, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = ROOT / "templates"
PYTHON = [ROOT / "leadmetrics", ROOT / "approvals", ROOT / "integrations"]

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
ADDRESS = re.compile(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", re.IGNORECASE)
EXAMPLE_ADDRESS = re.compile(r"https?://[\w.-]*\bexample(?:\.com|\.org)?\b", re.IGNORECASE)


def files(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in suffixes and VENDOR not in path.parents and path.is_file()
    )


def found(pattern: str, paths: list[Path], flags: int = 0) -> list[str]:
    """Every match as "file:line match", so that a failure says where to look."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1} {match.group()}"
        for path in paths
        for text in [path.read_text()]
        for match in re.finditer(pattern, text, flags)
    ]


def locked() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = json.loads((VENDOR / "lock.json").read_text())
    return entries


def test_the_tree_has_what_these_tests_look_at() -> None:
    assert files(TEMPLATES, ".html")
    assert files(STATIC, ".css")
    assert files(STATIC, ".js")


@pytest.mark.parametrize("entry", locked(), ids=lambda entry: entry["file"])
def test_vendored_file_has_the_locked_hash(entry: dict[str, str]) -> None:
    assert set(entry) == {"name", "version", "licence", "file", "sha256"}
    digest = hashlib.sha256((STATIC / entry["file"]).read_bytes()).hexdigest()
    assert digest == entry["sha256"]


def test_every_vendored_file_is_locked() -> None:
    present = {str(p.relative_to(STATIC)) for p in VENDOR.rglob("*") if p.is_file()}
    assert present - {"vendor/lock.json"} <= {entry["file"] for entry in locked()}


def test_every_vendored_package_ships_its_licence() -> None:
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE").is_file(), folder.name


def test_lock_file_holds_no_address() -> None:
    assert "//" not in (VENDOR / "lock.json").read_text()


def test_nothing_points_outside_our_host() -> None:
    def outside() -> Iterator[str]:
        for path in [*files(TEMPLATES, ".html"), *files(STATIC, ".css", ".js", ".svg")]:
            text = path.read_text().replace(SVG_NAMESPACE, "")
            text = EXAMPLE_ADDRESS.sub("", text)
            yield from (f"{path.relative_to(ROOT)}: {m.group()}" for m in ADDRESS.finditer(text))

    assert list(outside()) == []


def test_colours_are_named_in_tokens_only() -> None:
    sheets = [p for p in files(STATIC / "css", ".css") if p.name != "tokens.css"]
    assert found(r"#[0-9a-f]{3,8}\b", sheets, re.IGNORECASE) == []
    assert found(r"#[0-9a-f]{3,8}\b(?=[;\"'])", files(TEMPLATES, ".html"), re.IGNORECASE) == []


def test_styles_use_no_ids() -> None:
    assert found(r"(?m)^[^:\n{]*#[a-z][\w-]*[^;\n]*\{", files(STATIC / "css", ".css")) == []


def test_every_variable_used_is_defined_in_tokens() -> None:
    defined = set(re.findall(r"--[\w-]+(?=:)", (STATIC / "css/tokens.css").read_text()))
    for path in files(STATIC / "css", ".css"):
        used = set(re.findall(r"var\((--[\w-]+)", path.read_text()))
        assert used <= defined, path.name


def test_templates_hold_no_inline_style_or_script() -> None:
    pages = files(TEMPLATES, ".html")
    assert found(r"<[^>]*\sstyle\s*=", pages) == []
    assert found(r"<[^>]*\son[a-z]+\s*=", pages) == []
    assert found(r"hx-on[:\w-]*=|hx-vals=['\"]js:|javascript:", pages) == []
    assert found(r"<script(?![^>]*\ssrc=)[^>]*>|<style\b", pages) == []


def test_every_stylesheet_of_a_component_is_linked() -> None:
    listed = (TEMPLATES / "components/_styles.html").read_text()
    for path in (STATIC / "css/components").glob("*.css"):
        assert f"css/components/{path.name}" in listed


def test_every_static_file_named_in_a_template_exists() -> None:
    names = {
        name
        for path in files(TEMPLATES, ".html")
        for name in re.findall(r"""{%\s*static\s+["']([^"']+)["']""", path.read_text())
    }
    assert [name for name in sorted(names) if not (STATIC / name).is_file()] == []


def test_every_icon_named_in_a_template_or_in_code_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))
    in_templates = {
        name
        for path in files(TEMPLATES, ".html")
        for name in re.findall(r"""(?:{%\s*icon\s+|\bicon=)["']([\w-]+)["']""", path.read_text())
    }
    in_code = {
        name
        for folder in PYTHON
        for path in files(folder, ".py")
        for name in re.findall(r"""\bicon=["']([\w-]+)["']""", path.read_text())
    }
    assert in_templates
    assert (in_templates | in_code) - sprite == set()


def test_every_included_fragment_exists() -> None:
    names = {
        name
        for path in files(TEMPLATES, ".html")
        for name in re.findall(r"""{%\s*(?:include|extends)\s+["']([^"']+)["']""", path.read_text())
    }
    ours = [name for name in sorted(names) if not name.startswith("admin/")]  # those are Django's
    assert [name for name in ours if not (TEMPLATES / name).is_file()] == []


def test_script_stays_small() -> None:
    assert (STATIC / "js/app.js").stat().st_size < 12_000
