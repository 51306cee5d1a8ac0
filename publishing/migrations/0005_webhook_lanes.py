import hashlib
from typing import Any
from urllib.parse import urlsplit

from django.db import migrations


def name_anew(apps: Any, schema_editor: Any) -> None:
    """Give the places of webhooks the lanes that ``publishing.adapters.webhook`` names now; pauses go with them."""
    lanes = apps.get_model("prompthub_publishing", "Lane").objects
    placements = apps.get_model("prompthub_publishing", "Placement").objects
    for placement in placements.filter(target__adapter="webhook").select_related("target", "lane"):
        old, query = placement.lane, urlsplit(placement.target.settings["url"]).query
        digest = f"?{hashlib.sha256(query.encode()).hexdigest()[:16]}" if query else ""
        address = old.remote_key.partition("?")[0].partition("#")[0]
        paused = {"provider": old.provider, "not_before": old.not_before, "open_until": old.open_until}
        new, _ = lanes.get_or_create(
            remote_key=f"{address}{digest}#{placement.target.client_id}", defaults={**paused, "failures": old.failures}
        )
        placement.lane = new
        placement.save(update_fields=["lane"])
        placement.deliveries.filter(state__in=("pending", "retrying", "unknown")).update(lane=new)


class Migration(migrations.Migration):
    dependencies = [("prompthub_publishing", "0004_delivery_failed_tries")]

    operations = [migrations.RunPython(name_anew, migrations.RunPython.noop)]
