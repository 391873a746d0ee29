"""The state of the stand-in: Graph objects, people's grants, switches, and what was written."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox import seed as seeds
from integrations.sandbox.errors import missing
from integrations.sandbox.journal import Journal
from integrations.sandbox.seed import Node

# Which edge of which parent lists a kind: (parent field, edge name).
_EDGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Campaign": (("account_id", "campaigns"),),
    "AdSet": (("account_id", "adsets"), ("campaign_id", "adsets")),
    "Ad": (("account_id", "ads"), ("adset_id", "ads"), ("campaign_id", "ads")),
    "AdCreative": (("account_id", "adcreatives"),),
    "AdImage": (("account_id", "adimages"),),
    "AdLabel": (("account_id", "adlabels"),),
    "CustomAudience": (("account_id", "customaudiences"),),
}
SETTINGS: dict[str, Any] = {
    "clock_offset_days": 0,
    "listing_delay_seconds": 0,
    "review_seconds": 20,
    "creative_seconds": 2,
    "latency_ms": 0,
    "require_proof": False,
    # Another secret than the one it was started with, as after a reset in the app dashboard.
    "app_secret": "",
    "dedupe_creatives": "content",
    "code_grants": "short",
    "async_reports": "complete",
    "auto_upgrade": [],
    "usage": {},
    "scale": {},
}
_WRITES_KEPT = 10_000


class World:
    """Everything the stand-in knows. All access is under `lock`; `clock` is swapped in tests."""

    def __init__(
        self,
        *,
        app_id: str,
        app_secret: str,
        state_file: Path | None = None,
        seed_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id = app_id
        self._first_secret = app_secret
        self.lock = threading.RLock()
        self.clock = clock
        self.seed_file = seed_file
        self.journal = Journal(state_file)
        self.blobs: dict[str, bytes] = {}
        self.reads = 0
        self.reload()

    @property
    def app_secret(self) -> str:
        """The app's secret now."""
        return str(self.setting("app_secret") or self._first_secret)

    # --- objects -------------------------------------------------------------------------------
    def reload(self) -> None:
        """Build the objects again: seed, measuring world if asked, then what was changed."""
        self.nodes: dict[str, Node] = {}
        self.children: dict[tuple[str, str], list[str]] = {}
        wanted = [seeds.read_seed(self.seed_file)]
        if self.setting("scale"):
            wanted.append(seeds.build_world(**self.setting("scale")))
        for seed in wanted:
            for node in seeds.nodes(seed):
                self._index(node)
        for node in self.journal.table("nodes").values():
            self._index(node)

    def _index(self, node: Node) -> None:
        fresh = node["id"] not in self.nodes
        self.nodes[node["id"]] = node
        if fresh:
            for field, edge in _EDGES.get(node["_kind"], ()):
                self.children.setdefault((node[field], edge), []).append(node["id"])

    def save(self, node: Node) -> None:
        """Store a new or changed object."""
        self._index(node)
        self.journal.put("nodes", node["id"], node)

    def new_id(self) -> str:
        """The next object id, 17 digits, never used before in this state."""
        number = int(self.journal.table("counters").get("id", 0)) + 1
        self.journal.put("counters", "id", number)
        return f"120219999{number:08d}"

    def node(self, object_id: str, *kinds: str) -> Node:
        """The object, of one of `kinds` when given. Raises 100/33."""
        node = self.nodes.get(object_id)
        if node is None or (kinds and node["_kind"] not in kinds):
            raise missing(object_id)
        return node

    def account(self, digits: str) -> Node:
        """The ad account by its digits."""
        return self.nodes[f"act_{digits}"]

    def kids(self, parent: Node, edge: str) -> list[Node]:
        """The children of a node along an edge, oldest first."""
        key = parent.get("account_id", parent["id"]) if parent["_kind"] == "AdAccount" else None
        ids = self.children.get((key or parent["id"], edge), [])
        return [self.nodes[i] for i in ids]

    def of_kind(self, kind: str) -> Iterator[Node]:
        """All objects of a kind, oldest first."""
        return (node for node in self.nodes.values() if node["_kind"] == kind)

    # --- time ----------------------------------------------------------------------------------
    def now(self) -> float:
        """Seconds since 1970 by the world's clock (real time plus the offset switch)."""
        return self.clock() + float(self.setting("clock_offset_days")) * 86400

    def today(self) -> date:
        """The day in UTC by the world's clock."""
        return datetime.fromtimestamp(self.now(), UTC).date()

    def local_now(self, account: Node) -> datetime:
        """Now in the ad account's own timezone."""
        return datetime.fromtimestamp(self.now(), ZoneInfo(account["timezone_name"]))

    # --- settings ------------------------------------------------------------------------------
    def setting(self, name: str) -> Any:
        """A switch that stays until changed; its default when never touched."""
        return self.journal.table("settings").get(name, SETTINGS[name])

    def set(self, name: str, value: Any) -> None:
        """Change a lasting switch."""
        self.journal.put("settings", name, value)

    def reset(self, *, keep_people: bool = False) -> None:
        """Back to the seed; `keep_people` keeps tokens and grants."""
        keep = ("tokens", "grants", "codes") if keep_people else ()
        self.journal.clear((*keep, "counters"))
        self.blobs.clear()
        folder = self._blob_folder()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self.reload()

    # --- what happened -------------------------------------------------------------------------
    def log_write(self, entry: Node) -> None:
        """Add one line to the wire log; the oldest lines go when it is full."""
        log = self.journal.table("writes")
        number = int(next(reversed(log), "0")) + 1
        self.journal.put("writes", str(number), {"n": number, **entry})
        if len(log) > _WRITES_KEPT:
            self.journal.drop("writes", next(iter(log)))

    def log_activity(self, node: Node, event: str, who: Node, **extra: Any) -> None:
        """Note who changed what, for `GET /act_X/activities`. `who` has id, name, app."""
        log = self.journal.table("activities")
        key = str(int(next(reversed(log), "0")) + 1)
        entry = {
            "account_id": node["account_id"],
            "event_time": int(self.now()),
            "event_type": event,
            "object_id": node["id"],
            "object_name": node.get("name", ""),
            "object_type": node["_kind"].upper(),
            "extra": extra,
            **who,
        }
        self.journal.put("activities", key, entry)

    def save_blob(self, image_hash: str, content: bytes) -> None:
        """Keep an uploaded image beside the state file, or in memory without one."""
        folder = self._blob_folder()
        if folder is None:
            self.blobs[image_hash] = content
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / image_hash).write_bytes(content)

    def blob(self, image_hash: str) -> bytes | None:
        """The uploaded bytes of a hash, if there are any."""
        folder = self._blob_folder()
        if folder is None:
            return self.blobs.get(image_hash)
        path = folder / image_hash
        return path.read_bytes() if path.is_file() else None

    def _blob_folder(self) -> Path | None:
        path = self.journal.path
        return None if path is None else path.with_name(path.name + ".images")
