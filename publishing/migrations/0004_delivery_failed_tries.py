from typing import Any

from django.db import migrations, models
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count_tries(apps: Any, schema_editor: Any) -> None:
    """What ``tries`` held are the failures; the tries are those that were written down."""
    attempts = apps.get_model("prompthub_publishing", "DeliveryAttempt").objects.filter(delivery=OuterRef("pk"))
    written = attempts.order_by().values("delivery").annotate(count=Count("pk")).values("count")
    apps.get_model("prompthub_publishing", "Delivery").objects.update(
        failed_tries=F("tries"), tries=Coalesce(Subquery(written), 0)
    )


def forget_tries(apps: Any, schema_editor: Any) -> None:
    """Back: ``tries`` count failures again."""
    apps.get_model("prompthub_publishing", "Delivery").objects.update(tries=F("failed_tries"))


class Migration(migrations.Migration):
    dependencies = [("prompthub_publishing", "0003_unreadable_places")]

    operations = [
        migrations.AddField(
            model_name="delivery", name="failed_tries", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.RunPython(count_tries, forget_tries),
    ]
