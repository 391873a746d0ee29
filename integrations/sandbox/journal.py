"""The state file: one JSON line per change, the last line of a key counts.

It is rewritten as a whole only at start and end.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

# Rewritten while running, too, when this many lines hold mostly what is no longer true.
LINES_BEFORE_REWRITE = 50_000


class Journal:
    """Tables of JSON values by key, kept in memory and, when there is a path, on disk.

    A change costs one appended line. A line cut short by a killed process is ignored.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.tables: dict[str, dict[str, Any]] = {}
        self._file: TextIO | None = None
        self._lines = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            self.compact()

    def table(self, name: str) -> dict[str, Any]:
        """The live table; change it only through `put` and `drop`."""
        return self.tables.setdefault(name, {})

    def put(self, table: str, key: str, value: Any) -> None:
        """Store a JSON value and append the change."""
        self.table(table)[key] = value
        self._append([table, key, value])

    def drop(self, table: str, key: str) -> None:
        """Forget a key; nothing happens when it is unknown."""
        if self.table(table).pop(key, None) is not None:
            self._append([table, key])

    def clear(self, keep: tuple[str, ...] = ()) -> None:
        """Forget every table except those named."""
        self.tables = {name: rows for name, rows in self.tables.items() if name in keep}
        self.compact()

    def compact(self) -> None:
        """Rewrite the file with only what is true now, replacing it in one step."""
        if self.path is None:
            return
        self.close()
        fresh = self.path.with_name(self.path.name + ".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            for table, rows in self.tables.items():
                for key, value in rows.items():
                    out.write(json.dumps([table, key, value], separators=(",", ":")) + "\n")
        fresh.replace(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        self._lines = 0

    def close(self) -> None:
        """Close the file; `put` no longer reaches the disk afterwards."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, line: list[Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()
            self._lines += 1
            if self._lines > LINES_BEFORE_REWRITE:
                self.compact()

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                table, key, *value = json.loads(text)
            except ValueError:
                continue
            if value:
                self.table(table)[key] = value[0]
            else:
                self.table(table).pop(key, None)
