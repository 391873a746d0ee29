"""`make audit`: Lighthouse on every page of the demo; 1 when a score is below 100.

Needs node and npm; Lighthouse is installed below build/. Pages are the ones that links lead to, so
a new page joins by itself. A score that falls short is measured twice more, because a busy machine
costs points that the page does not; the best of three counts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django

from tests.flows.every_page import every_page
from tests.stack import CHROMIUM_OPTIONS, ROOT, Stack, chromium, open_browser, sign_in

FOLDER = ROOT / "build" / "lighthouse"
LIGHTHOUSE = "lighthouse@12.8.2"
TRIES = 3
CATEGORIES = ("performance", "accessibility", "best practices")


@dataclass(frozen=True, slots=True)
class Audited:
    """One page: its three scores in percent, and the audits that cost it points."""

    name: str
    scores: tuple[int, ...]
    short: tuple[str, ...]

    @property
    def is_perfect(self) -> bool:
        return min(self.scores) == 100


def main() -> int:
    """Start the product, audit, stop it, print the table."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            print(f"make audit needs {tool}. On Debian: apt install nodejs npm", file=sys.stderr)
            return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    install()
    stack = Stack(Path(tempfile.mkdtemp(prefix="leadmetrics-audit-")))
    stack.up()
    try:
        audited = audit(stack)
        stack.stop()
    finally:
        stack.close()
    print(table(audited))
    return 0 if all(page.is_perfect for page in audited) else 1


def install() -> None:
    """Lighthouse, once, below build/."""
    if (FOLDER / "node_modules" / "lighthouse").is_dir():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", "."]
    subprocess.run([*command, LIGHTHOUSE], cwd=FOLDER, check=True)


def audit(stack: Stack) -> list[Audited]:
    """The best of up to three runs for every page."""
    with open_browser() as browser:
        page = browser.new_page()
        sign_in(page, stack, "ana@acme.example")
        pages = {name: stack.base_url + path for name, path in every_page(page, stack).items()}
        kept = page.context.cookies()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in kept)
    best: dict[str, Audited] = {}
    for _ in range(TRIES):
        missing = [name for name in pages if name not in best or not best[name].is_perfect]
        for result in run([(name, pages[name]) for name in missing], cookie):
            if result.name not in best or sum(result.scores) > sum(best[result.name].scores):
                best[result.name] = result
    return list(best.values())


def run(pages: Sequence[tuple[str, str]], cookie: str) -> Iterator[Audited]:
    """Audit pages one after the other in one browser."""
    if not pages:
        return
    asked = {"chrome": chromium(), "pages": pages, "cookie": cookie, "flags": CHROMIUM_OPTIONS}
    script = Path(__file__).with_name("lighthouse.mjs")
    with subprocess.Popen(
        ["node", script], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        node.stdin.write(json.dumps(asked))
        node.stdin.close()
        for line in node.stdout:
            told = json.loads(line)
            short = (*told["short"], *filter(None, [told["error"]]))
            print(told["name"], *told["scores"], flush=True)
            yield Audited(told["name"], tuple(told["scores"]), short)
    if node.returncode:
        raise RuntimeError("Lighthouse ended with an error; its words stand above.")


def table(audited: Sequence[Audited]) -> str:
    """One line per page, and below it what cost points."""
    width = max(len(page.name) for page in audited)
    lines = [f"{'page':<{width}}  " + "  ".join(CATEGORIES)]
    for page in audited:
        scores = "  ".join(
            f"{score:>{len(category)}}"
            for score, category in zip(page.scores, CATEGORIES, strict=True)
        )
        lines.append(f"{page.name:<{width}}  {scores}")
        lines += [f"{'':<{width}}  - {short}" for short in page.short if not page.is_perfect]
    perfect = sum(page.is_perfect for page in audited)
    return "\n".join([*lines, f"{perfect} of {len(audited)} pages have 100 in all three."])


if __name__ == "__main__":
    sys.exit(main())
