import django.db.models.deletion
from django.db import migrations, models


def fill(apps, _schema_editor):
    """Which ads have warnings, and which look at a link is whose; what waits is opened again."""
    variants = apps.get_model("approvals", "AdVariant").objects
    variants.exclude(head=None).exclude(head__flags=[]).update(has_warnings=True)
    for check in apps.get_model("approvals", "LinkCheck").objects.defer("page_text").iterator():
        leads_there = variants.filter(tenant_id=check.tenant_id, head__link=check.link)
        if leads_there.update(link_check=check):
            check.state = "waiting"
            check.save(update_fields=["state"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0012_last_activation")]

    operations = [
        migrations.AddField(
            model_name="advariant",
            name="has_warnings",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="Whether any check warns of the newest version.",
            ),
        ),
        migrations.AddField(
            model_name="advariant",
            name="link_check",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="variants",
                to="approvals.linkcheck",
            ),
        ),
        migrations.AddField(
            model_name="advariant",
            name="link_flags",
            field=models.JSONField(
                default=list,
                editable=False,
                help_text="What opening the newest version's link has found.",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="advariant",
            index=models.Index(
                condition=models.Q(("has_warnings", True), ("status", "proposed")),
                fields=["tenant", "queue_at", "id"],
                name="variant_queue_with_warnings",
            ),
        ),
    ]
