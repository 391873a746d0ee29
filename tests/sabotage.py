"""Break the product on purpose, one safety at a time, and see the suite turn red.

    python -m tests.sabotage            all of them, about two minutes
    python -m tests.sabotage fence      those whose name contains the word

Each sabotage is a small change to a copy of the source; the tests named beside it must then fail,
and pass without it. `house/test_sabotage.py` keeps the list in step with the source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ("leadmetrics", "integrations", "approvals", "templates", "static", "tests")
PUSH = "tests/approvals/services/test_push.py"
REVIEW = "tests/approvals/services/test_review.py"
STEPS, CLAIMS = "approvals/services/push_steps.py", "approvals/services/push_claims.py"


@dataclass(frozen=True, slots=True)
class Sabotage:
    """``old`` in ``file`` becomes ``new``; one of ``tests`` must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


SABOTAGES = (
    Sabotage(
        "drop the hash check before sending",
        CLAIMS,
        "if digest(push.payload) != push.payload_hash or "
        "push.payload_hash != decision.content_hash:",
        "if False:",
        (f"{PUSH}::test_stored_text_that_is_not_the_approved_one_is_not_sent",),
    ),
    Sabotage(
        "drop the unique index on live pushes",
        "approvals/migrations/0002_activation_and_live_ads.py",  # which made it anew
        'fields=("variant",),\n                name="one_live_push_per_variant"',
        'fields=("id",),\n                name="one_live_push_per_variant"',
        (f"{REVIEW}::test_database_refuses_a_second_live_push",),
    ),
    Sabotage(
        "drop the settle wait",
        STEPS,
        "if now < settled:",
        "if False:",
        (f"{PUSH}::test_unanswered_write_is_never_looked_up_before_the_settle_time",),
    ),
    Sabotage(
        "send again after one empty look-up",
        STEPS,
        "LOOKUPS_BEFORE_RESEND = 2",
        "LOOKUPS_BEFORE_RESEND = 1",
        (f"{PUSH}::test_write_without_effect_is_sent_again_only_after_two_empty_lookups",),
    ),
    Sabotage(
        "send without end",
        STEPS,
        "MAX_AD_WRITES = 2",
        "MAX_AD_WRITES = 20",
        (f"{PUSH}::test_two_writes_without_an_answer_go_to_a_person_and_never_a_third",),
    ),
    Sabotage(
        "drop the lease",
        CLAIMS,
        "if push is None or not due_pushes().filter(pk=push_id).exists():",
        "if push is None:",
        (f"{PUSH}::test_running_push_cannot_be_claimed_twice",),
    ),
    Sabotage(
        "drop the fence",
        CLAIMS,
        "filter(pk=claim.push_id, fence=claim.fence, state=PushState.RUNNING)",
        "filter(pk=claim.push_id)",
        (f"{PUSH}::test_late_worker_whose_push_was_taken_over_changes_nothing",),
    ),
    Sabotage(
        "send a stale intent",
        STEPS,
        "if timezone.now() > last_moment:",
        "if False:",
        (f"{PUSH}::test_worker_stopped_between_intent_and_call_does_not_send",),
    ),
    Sabotage(
        "send ACTIVE",
        "integrations/meta_ads/ads.py",
        '"creative": {"creative_id": creative_id},\n        "status": "PAUSED",',
        '"creative": {"creative_id": creative_id},\n        "status": "ACTIVE",',
        (f"{PUSH}::test_push_creates_one_paused_ad_with_the_approved_text",),
    ),
    Sabotage(
        "believe that the new ad is paused",
        STEPS,
        "if found.configured_status != publishing.PAUSED:",
        "if False:",
        (f"{PUSH}::test_ad_that_is_not_paused_is_paused_and_given_to_a_person",),
    ),
    Sabotage(
        "believe that Meta stored what was approved",
        STEPS,
        "    if different:\n",
        "    if False:\n",
        (f"{PUSH}::test_ad_that_meta_stored_differently_is_given_to_a_person",),
    ),
    Sabotage(
        "send for somebody who left",
        CLAIMS,
        "if sum(member.is_reviewer for member in members) < len(givers):",
        "if False:",
        (f"{PUSH}::test_approval_counts_only_while_its_giver_may_approve",),
    ),
    Sabotage(
        "forget what was sent when the answer is lost",
        STEPS,
        "if writes and writes[-1].state in (StepState.SENT, StepState.UNKNOWN):",
        "if False:",
        (
            f"{PUSH}::test_lost_reply_is_looked_up_and_adopted",
            f"{PUSH}::test_worker_that_dies_after_the_write_leaves_one_ad",
        ),
    ),
    Sabotage(
        "adopt an ad that another push holds",
        STEPS,
        "found = without_others(shown, push)",
        "found = list(shown)",
        (f"{PUSH}::test_ad_with_our_creative_in_our_ad_set_is_ours_unless_another_push_holds_it",),
    ),
    Sabotage(
        "send to an ad account that is to be left alone",
        STEPS,
        '    publishing.require_open(claim.payload["ad_account_id"])\n',
        "",
        (
            "tests/approvals/services/test_preflight.py::"
            "test_ad_account_that_is_to_be_left_alone_is_asked_nothing",
        ),
    ),
    Sabotage(
        "withdraw a grant from a restored database",
        "integrations/services/revoke.py",
        "    if why_to_hold():\n        return\n    now = timezone.now()\n",
        "    now = timezone.now()\n",
        (
            "tests/integrations/services/test_revoke.py::"
            "test_restored_database_withdraws_nothing_before_it_is_reconciled",
        ),
    ),
    Sabotage(
        "build another text than the approved one",
        STEPS,
        "if digest(outgoing) != claim.payload_hash:",
        "if False:",
        (f"{PUSH}::test_content_that_is_built_differently_is_not_sent",),
    ),
    Sabotage(
        "send although writing is stopped",
        STEPS,
        "    require_writes(claim.tenant_id)\n",
        "",
        (
            "tests/approvals/services/test_stops.py::"
            "test_stop_between_two_steps_stops_the_next_write",
        ),
    ),
    Sabotage(
        "trust a restored database",
        "approvals/services/marks.py",
        'return bool(noted["sent"] > newest or noted.get("activated", 0.0) > activated)',
        "return False",
        (
            "tests/approvals/services/test_reconcile.py::"
            "test_restored_activation_switches_nothing_on",
            "tests/approvals/services/test_reconcile.py::"
            "test_restored_database_sends_nothing_before_and_doubles_nothing_after",
        ),
    ),
    Sabotage(
        "switch on from a restored database",
        "approvals/services/activate.py",
        "        require_known_past()\n        require_writes(act.tenant_id)\n",
        "        require_writes(act.tenant_id)\n",
        (
            "tests/approvals/services/test_reconcile.py::"
            "test_restored_activation_switches_nothing_on",
        ),
    ),
    Sabotage(
        "let go on what was being switched on before a restore",
        "approvals/services/reconcile.py",
        "        stop_activations()\n",
        "",
        (
            "tests/approvals/services/test_reconcile.py::"
            "test_restored_activation_switches_nothing_on",
        ),
    ),
    Sabotage(
        "look for the approver before the transaction of a write only",
        STEPS,
        "    require_standing_approval(found.get(pk=claim.push_id), lock=True)\n",
        "",
        (
            "tests/approvals/services/test_point_of_no_return.py::"
            "test_right_that_is_taken_between_two_writes_stops_the_next_one",
        ),
    ),
    Sabotage(
        "store no intent before the ad is sent",
        STEPS,
        '        reached(f"{kind}.intended")\n    note_write(step)\n',
        '        reached(f"{kind}.intended")\n        transaction.set_rollback(True)\n',
        (f"{PUSH}::test_worker_that_dies_after_the_write_leaves_one_ad",),
    ),
    Sabotage(
        "forget the tenant when loading a variant",
        "approvals/selectors/variants.py",
        "variants = AdVariant.objects.filter(tenant_id=tenant_id).select_related(",
        "variants = AdVariant.objects.select_related(",
        (f"{REVIEW}::test_other_tenants_reviewer_finds_nothing",),
    ),
)


def main(words: list[str]) -> int:
    """0 when every sabotage was noticed."""
    chosen = [each for each in SABOTAGES if all(word in each.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = _copy_to(Path(folder))
        every_test = sorted({test for each in chosen for test in each.tests})
        if not _is_green(copy, every_test):
            print("These tests fail without any sabotage; mend that first.")
            return 1
        missed = [each for each in chosen if not _is_noticed(copy, each)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} noticed")
    return 1 if missed else 0


def _copy_to(folder: Path) -> Path:
    for name in SOURCE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml", ".env.example", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def _is_noticed(copy: Path, sabotage: Sabotage) -> bool:
    file = copy / sabotage.file
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace(sabotage.old, sabotage.new), encoding="utf-8")
    try:
        noticed = not _is_green(copy, sabotage.tests)
    finally:
        file.write_text(before, encoding="utf-8")
    print(f"{'red ' if noticed else 'MISSED'}  {sabotage.name}", flush=True)
    return noticed


def _is_green(copy: Path, tests: list[str] | tuple[str, ...]) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode and " failed" not in done.stdout:  # not a red test but no test at all
        raise SystemExit(done.stdout + done.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
