from typing import Any

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def see(apps: Any, schema_editor: Any) -> None:
    """What waits saw the channel as it is, if it points where it pointed then; all else has to be confirmed."""
    waiting = apps.get_model("prompthub_registry", "Activation").objects.filter(state__in=("proposed", "scheduled"))
    channels = apps.get_model("prompthub_registry", "Channel").objects.filter(pk=OuterRef("channel"))
    waiting.filter(previous=F("channel__release")).update(seen_ordinal=Subquery(channels.values("last_ordinal")[:1]))


class Migration(migrations.Migration):
    dependencies = [("prompthub_registry", "0001_initial")]

    operations = [
        migrations.AddField("activation", "seen_ordinal", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.RunPython(see, migrations.RunPython.noop),
    ]
