from typing import Any

from django.db import migrations

from publishing import adapters, lanes
from publishing.ports import Remote


def name_anew(apps: Any, schema_editor: Any) -> None:
    """Give places the lanes that their adapters name now, where an address was spelled in another way; pauses go too."""
    rows = apps.get_model("prompthub_publishing", "Lane").objects
    placements = apps.get_model("prompthub_publishing", "Placement").objects
    for placement in placements.filter(target__adapter__in=("n8n", "webhook")).select_related("target", "lane"):
        old, target = placement.lane, placement.target
        remote = Remote(target.settings, {}, placement.location, client=str(target.client_id))
        key = lanes.shortened(remote_key=adapters.get(target.adapter).remote_key(remote))
        if key == old.remote_key:
            continue
        paused = {"not_before": old.not_before, "open_until": old.open_until, "failures": old.failures}
        provider = lanes.provider_of(remote_key=key)
        new, _ = rows.get_or_create(remote_key=key, defaults={**paused, "provider": provider})
        placement.lane = new
        placement.save(update_fields=["lane"])
        placement.deliveries.filter(state__in=("pending", "retrying", "unknown")).update(lane=new)


class Migration(migrations.Migration):
    dependencies = [("prompthub_publishing", "0005_webhook_lanes")]

    operations = [migrations.RunPython(name_anew, migrations.RunPython.noop)]
