"""What a rig asks of the installation it runs, by its verbs: ``python -m tests.faults.inside found``.

Each is a process of its own with the rig's environment and answers with one JSON document.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Sequence
from typing import Any

import django


def found(providers: Sequence[str], prompts: int) -> dict[str, Any]:
    """Make a client with prompts, each with one place at every provider, and a token that may do everything."""
    from tests.factories import (
        make_client,
        make_instance,
        make_placement,
        make_target,
        make_template_version,
        make_token,
    )
    from tests.factories.acting import unique
    from tests.faults.provider import SECRET
    from tests.faults.world import SCHEMA

    client = make_client()
    template = make_template_version(content_md="{{ text }}", variables_schema=SCHEMA)
    made = {}
    for _ in range(prompts):
        instance = make_instance(client=client, template_version=template, variables={"text": "-"})
        made[str(instance.id)] = []
        for number, address in enumerate(providers):
            place = unique("place")
            settings = {"url": f"{address}/hook/{place}", "read_url": f"{address}/text/{place}"}
            target = make_target(
                client=client, adapter="webhook", settings=settings, credentials={"signing_secret": SECRET}
            )
            make_placement(instance=instance, target=target, location={"name": place})
            made[str(instance.id)].append([number, place])
    _, secret = make_token(scopes=("read", "draft", "publish", "deploy", "admin"), superuser=True)
    return {"token": secret, "prompts": made}


def strange() -> dict[str, Any]:
    """Send what a newer release might: a task nobody knows, and a known one with more in it."""
    from celery import current_app

    from publishing.bell import RUN_LANE

    current_app.send_task("publishing.of_tomorrow", kwargs={"what": 1})
    current_app.send_task(RUN_LANE, kwargs={"lane_id": str(uuid.uuid4()), "colour": "blue"})
    return {}


def pack() -> dict[str, Any]:
    """Make a pack of three prompts with two releases, each of whose texts says which it is of; the first is active."""
    from registry import packs
    from tests.factories.acting import AT, SYSTEM
    from tests.factories.workbench import Workbench

    bench = Workbench(kind="pack")
    cut = []
    for version in ("1.0.0", "2.0.0"):
        for name in ("system", "styles/calm", "styles/brisk"):
            bench.write(name, f"{name} of {version}. {'It goes on for a while. ' * 20}")
        cut.append(bench.cut(version))
    moved = packs.activate(pack=bench.bundle, to=cut[0], by=SYSTEM, at=AT)
    project, bundle = bench.project.slug, bench.bundle.slug
    return {"project": project, "bundle": bundle, "ordinal": moved.activation.ordinal}


def drain(seconds: float) -> dict[str, Any]:
    """Wait until nothing is on its way and stays so for a second; how long it took, and how many still are."""
    from publishing.models import Delivery
    from publishing.states import OPEN

    began = quiet = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        left = Delivery.objects.filter(state__in=OPEN).count()
        if left:
            quiet = time.monotonic()
        elif now - quiet > 1:
            break
        time.sleep(0.05)
    return {"seconds": round(quiet - began, 2), "open": left}


def census() -> dict[str, Any]:
    """Every publication and delivery, and whether the ledger holds."""
    from django.utils import timezone

    from audit import chain
    from audit.models import AuditEvent
    from instances.models import Publication
    from publishing.models import Delivery
    from tests.faults.provider import digest

    while chain.extend(at=timezone.now()):
        pass
    proof = chain.verify()
    publications = Publication.objects.select_related("version").order_by("instance_id", "ordinal")
    deliveries = Delivery.objects.select_related("publication", "placement__target").order_by("id")
    return {
        "publications": [
            [str(row.instance_id), row.ordinal, str(row.version_id), digest(row.version.rendered.text())]
            for row in publications
        ],
        "deliveries": [
            [
                str(row.id),
                str(row.publication.instance_id),
                row.ordinal,
                row.placement.target.settings["url"].rpartition("/")[2],
                row.state,
                row.error_detail,
            ]
            for row in deliveries
        ],
        "repeated": Delivery.objects.filter(replay_of__isnull=False).count(),
        "audited": AuditEvent.objects.filter(action="instance.publish").count(),
        "chain": [*proof.broken, *([f"{proof.unlinked} unlinked"] if proof.unlinked else [])],
    }


def tries(keys: Sequence[str]) -> dict[str, Any]:
    """What is known of the tries of some deliveries, oldest first."""
    from publishing.models import DeliveryAttempt

    rows = DeliveryAttempt.objects.filter(delivery__in=keys).order_by("at")
    told = ("delivery", "number", "epoch", "at", "duration_ms", "outcome", "provider_status", "detail")
    return {"tries": [dict(zip(told, map(str, row), strict=True)) for row in rows.values_list(*told)]}


def main() -> None:
    """Answer one question."""
    parser = argparse.ArgumentParser()
    parser.add_argument("question", choices=("found", "strange", "pack", "drain", "census", "tries"))
    parser.add_argument("--provider", action="append", default=[])
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--prompts", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    django.setup()
    answers = {
        "found": lambda: found(asked.provider, asked.prompts),
        "strange": strange,
        "pack": pack,
        "drain": lambda: drain(asked.seconds),
        "census": census,
        "tries": lambda: tries(asked.key),
    }
    sys.stdout.write(json.dumps(answers[asked.question]()) + "\n")


if __name__ == "__main__":
    main()
