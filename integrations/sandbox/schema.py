"""Meta's own lists of fields, parameters and enum values, read once from `schema.json`."""

from __future__ import annotations

import json
from pathlib import Path

_raw = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))

FIELDS: dict[str, frozenset[str]] = {kind: frozenset(f) for kind, f in _raw["fields"].items()}
OBJECTS: dict[str, frozenset[str]] = {name: frozenset(f) for name, f in _raw["objects"].items()}
ENUMS: dict[str, tuple[str, ...]] = {name: tuple(v) for name, v in _raw["enums"].items()}
# "Kind METHOD edge" -> {parameter: type}; a type ending in "!" is required.
PARAMS: dict[str, dict[str, str]] = _raw["params"]
CALL_TO_ACTIONS = frozenset(ENUMS["call_to_action_type"])

# Children that may be asked for inside `fields=` of a node (`ads.limit(5){id}`).
EXPANSIONS: dict[str, frozenset[str]] = {
    "AdAccount": frozenset({"campaigns", "adsets", "ads", "adcreatives", "customaudiences"}),
    "Campaign": frozenset({"adsets", "ads"}),
    "AdSet": frozenset({"ads"}),
    "Business": frozenset({"owned_ad_accounts", "client_ad_accounts", "owned_pages"}),
}

# Dead versions and the day they stopped, in the two calendars Meta keeps (fact sheet 1.1).
# None: no end announced.
VERSIONS: dict[str, tuple[str | None, str | None]] = {
    "v19.0": ("2026-05-21", "2025-02-04"),
    "v20.0": ("2026-09-24", "2025-05-06"),
    "v21.0": ("2027-01-21", "2025-09-09"),
    "v22.0": ("2027-05-20", "2026-02-19"),
    "v23.0": ("2027-10-08", "2026-06-09"),
    "v24.0": ("2028-02-18", "2026-10-06"),
    "v25.0": ("2028-07-29", None),
    "v26.0": (None, None),
}
