from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0013_warnings_of_links")]

    operations = [
        migrations.AlterField(
            model_name="pushstep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("image", "Image"),
                    ("creative", "Ad creative"),
                    ("ad", "Ad"),
                    ("pause", "Pause"),
                ],
                max_length=10,
            ),
        ),
    ]
