from typing import Any

from django.db import migrations, models

from prompthub_kernel.canonical import canonical_json, sha256_digest


def name_places(apps: Any, schema_editor: Any) -> None:
    """Give webhooks' places without a name that of their prompt, which their messages told so far."""
    placements = apps.get_model("prompthub_publishing", "Placement").objects.filter(removed_at__isnull=True)
    nameless = placements.filter(target__adapter="webhook").exclude(location__has_key="name")
    for placement in nameless.select_related("instance"):
        location = {**placement.location, "name": placement.instance.name}
        place = sha256_digest(canonical_json(location))
        if placements.filter(target=placement.target_id, place=place).exists():
            continue  # a renamed prompt has come to the place of another: which of them goes is for a person to say
        placement.location, placement.place = location, place
        placement.save(update_fields=["location", "place"])


class Migration(migrations.Migration):
    dependencies = [("prompthub_publishing", "0007_one_index_for_each_question")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="prompt",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.RunPython(name_places, migrations.RunPython.noop),
    ]
