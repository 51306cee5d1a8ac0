from typing import Any

from django.db import migrations, models


def name_providers(apps: Any, schema_editor: Any) -> None:
    """Fill the new column of lanes that are there already, as ``publishing.lanes.provider_of`` does."""
    for lane in apps.get_model("prompthub_publishing", "Lane").objects.filter(provider="").iterator():
        kind, _, place = lane.remote_key.partition(":")
        host, slash, _ = place.partition("/")
        lane.provider = f"{kind}:{host}" if slash else kind
        lane.save(update_fields=["provider"])


class Migration(migrations.Migration):
    dependencies = [("prompthub_publishing", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="lane", name="provider", field=models.CharField(db_default="", default="", max_length=300)
        ),
        migrations.RunPython(name_providers, migrations.RunPython.noop),
    ]
