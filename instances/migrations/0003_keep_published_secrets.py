from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef


def keep(apps: Any, schema_editor: Any) -> None:
    """Publications of the draft's present revision carried its secrets; those of earlier revisions are not known."""
    instances = apps.get_model("prompthub_instances", "PromptInstance").objects.exclude(secrets="")
    publications = apps.get_model("prompthub_instances", "Publication").objects
    rows = apps.get_model("prompthub_instances", "PublishedSecrets").objects
    same = publications.filter(instance=OuterRef("pk"), secret_revision=OuterRef("secret_revision"))
    kept = rows.filter(instance=OuterRef("pk"), secret_revision=OuterRef("secret_revision"))
    for instance in instances.filter(Exists(same), ~Exists(kept)).only("secrets", "secret_revision").iterator():
        rows.create(instance=instance, secret_revision=instance.secret_revision, sealed_values=instance.secrets)


class Migration(migrations.Migration):
    dependencies = [("prompthub_instances", "0002_published_secrets")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
