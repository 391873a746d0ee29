"""Variants from a file take the same door as an agent's."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from approvals.models import AdVariant
from leadmetrics.demo_images import draw_scene

HEAD = "client_ref,target,primary_text,headline,description,link,call_to_action,image,rationale\n"
GOOD = "r1,Spring 25+,Pack light. Walk far.,Tents from 1.9 kg,Free returns,,SHOP_NOW,lake.png,Why\n"


@pytest.fixture
def folder(tmp_path, target):
    (tmp_path / "lake.png").write_bytes(draw_scene("lake"))
    return tmp_path


def run(folder, capsys, name: str, content: str, acme) -> str:
    (folder / name).write_text(content, encoding="utf-8")
    call_command("import_variants", str(folder / name), "--tenant", acme.slug)
    return capsys.readouterr().out


def test_csv_rows_become_proposed_variants_with_their_images(folder, capsys, acme):
    assert "1 proposed, 0 refused" in run(folder, capsys, "ads.csv", HEAD + GOOD, acme)
    variant = AdVariant.objects.get()
    assert variant.proposal.submitted_by == "Import of ads.csv"
    assert variant.head.link == "https://acme.example/"
    assert variant.head.image.width == 1200


def test_json_rows_become_proposed_variants(folder, capsys, acme):
    row = {
        "target": "Spring 25+",
        "primary_text": "Pack light.",
        "headline": "Tents",
        "call_to_action": "SHOP_NOW",
    }
    assert "row 1: proposed" in run(folder, capsys, "ads.json", json.dumps([row]), acme)


def test_refused_rows_are_named_and_the_command_fails(folder, capsys, acme):
    bad = GOOD.replace("r1", "r2").replace("Tents from 1.9 kg", "x" * 41)
    with pytest.raises(CommandError):
        run(folder, capsys, "ads.csv", HEAD + GOOD + bad, acme)
    printed = capsys.readouterr().out
    assert "r2: refused Headline has 41 characters; 40 are allowed." in printed
    assert AdVariant.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "nonsense,columns\n1,2\n", "unknown columns, nonsense"),
        ("a.csv", "target,headline\nx,y\n", "missing call_to_action, primary_text"),
        ("a.csv", HEAD, "0 rows"),
        ("a.csv", HEAD + "r1,Spring 25+,only three\n", "another number of columns"),
        ("a.json", "{not json", "not readable"),
        ("a.json", '{"a": 1}', "list of objects"),
        ("a.csv", HEAD + GOOD.replace("lake.png", "../../etc/passwd"), "not beside the file"),
    ],
)
def test_file_that_cannot_be_read_as_a_whole_stores_nothing(
    folder, capsys, acme, name, content, words
):
    with pytest.raises(CommandError, match=words):
        run(folder, capsys, name, content, acme)
    assert AdVariant.objects.count() == 0


def test_unknown_tenant_and_missing_file_are_named(folder, acme):
    with pytest.raises(CommandError, match="No tenant has the slug nobody"):
        call_command("import_variants", "x.csv", "--tenant", "nobody")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_variants", str(folder / "none.csv"), "--tenant", acme.slug)
