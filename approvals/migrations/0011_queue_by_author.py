from django.db import migrations, models


def fill(apps, _schema_editor):
    """The authors of what is there already, from each proposal."""
    own = apps.get_model("approvals", "Proposal").objects.filter(pk=models.OuterRef("proposal_id"))
    variants = apps.get_model("approvals", "AdVariant").objects
    variants.update(submitted_by=models.Subquery(own.values("submitted_by")[:1]))


class Migration(migrations.Migration):
    dependencies = [("approvals", "0010_queue_orders")]

    operations = [
        migrations.AddField(
            model_name="advariant",
            name="submitted_by",
            field=models.CharField(default="", editable=False, max_length=160),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="advariant",
            index=models.Index(
                fields=["tenant", "status", "submitted_by", "queue_at", "id"],
                name="variant_queue_by_author",
            ),
        ),
    ]
