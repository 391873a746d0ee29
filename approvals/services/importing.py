"""Reading proposed variants from a CSV or JSON file; they take the same door as an agent's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from approvals.limits import AdCopy
from approvals.services.propose import MAX_ITEMS, ProposalInput, VariantInput, propose_variants
from integrations.models import PushTarget
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.actors import Actor

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_ROWS = 2000
COLUMNS = (
    "client_ref",
    "target",
    "primary_text",
    "headline",
    "description",
    "link",
    "call_to_action",
    "image",
    "rationale",
)


def import_variants(*, actor: Actor, file: Path) -> list[dict[str, Any]]:
    """Propose every row of the file; the per-item results in the file's order.

    ``target`` is a push target's name or id, ``image`` a path beside the file. Raises InvalidInput
    when the file cannot be read as a whole; then nothing is stored.
    """
    rows = _rows(file)
    targets = {
        target.name: str(target.pk)
        for target in PushTarget.objects.filter(tenant_id=actor.tenant_id, archived_at=None)
    }
    items = [_item(row, file.parent, targets, number) for number, row in enumerate(rows, start=1)]
    results: list[dict[str, Any]] = []
    for start in range(0, len(items), MAX_ITEMS):
        batch = items[start : start + MAX_ITEMS]
        results += propose_variants(
            actor=actor, proposal=ProposalInput(items=batch, run_id=file.name)
        ).items
    return results


def _rows(file: Path) -> list[Mapping[str, str]]:
    try:
        content = file.read_bytes()
    except OSError:
        raise InvalidInput(f"{file} cannot be read.") from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput("The file is larger than 5 MB.")
    try:
        text = content.decode("utf-8-sig")
        rows = list(_parse_json(text) if file.suffix == ".json" else _parse_csv(text))
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError) as exc:
        raise InvalidInput(f"{file.name} is not readable as CSV or JSON: {exc}.") from None
    if not 1 <= len(rows) <= MAX_ROWS:
        raise InvalidInput(f"The file has {len(rows)} rows; 1 to {MAX_ROWS} are possible.")
    return rows


def _parse_csv(text: str) -> Iterator[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    _known_columns(reader.fieldnames or ())
    for row in reader:
        if None in row or None in row.values():
            raise InvalidInput(f"Line {reader.line_num} has another number of columns.")
        yield row


def _parse_json(text: str) -> Iterator[Mapping[str, str]]:
    rows = json.loads(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("The JSON file must be a list of objects.")
    for row in rows:
        _known_columns(row)
        yield {name: str(value) for name, value in row.items()}


def _known_columns(names: Any) -> None:
    unknown = sorted(set(names) - set(COLUMNS))
    missing = sorted({"target", "primary_text", "headline", "call_to_action"} - set(names))
    if unknown or missing:
        problem = f"unknown {', '.join(unknown)}" if unknown else f"missing {', '.join(missing)}"
        raise InvalidInput(f"Columns: {problem}. Possible are {', '.join(COLUMNS)}.")


def _item(
    row: Mapping[str, str], folder: Path, targets: Mapping[str, str], number: int
) -> VariantInput:
    return VariantInput(
        client_ref=row.get("client_ref") or f"row {number}",
        target_id=targets.get(row["target"], row["target"]),
        copy=AdCopy(
            row["primary_text"],
            row["headline"],
            row.get("description", ""),
            row.get("link", ""),
            row["call_to_action"],
        ),
        rationale=row.get("rationale", ""),
        image=_image(row.get("image", ""), folder, number),
    )


def _image(name: str, folder: Path, number: int) -> bytes:
    if not name:
        return b""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise InvalidInput(f"Row {number}: the image {name} is not beside the file.")
    return path.read_bytes()
