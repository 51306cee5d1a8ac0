"""A crowd of prompts in a database: one that was published, written again and again by the database itself.

The first is made by the verbs; the rest are copies of its rows in every table that grows with the number of prompts,
each with its own ids and names: template and target excepted, a thousand prompts to a client.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from benchmarks.installation import settle

PER_CLIENT = 1_000
FIRST = """
import json
from django.utils.timezone import now
from foundation.actors import system
from instances import drafts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import courier, publish, targets
from publishing.models import Delivery
from templates_app import versions
from tenancy import clients, policy, projects, tokens
from benchmarks.g11_render import SOURCE, VALUES
by, at = system(), now()
project = projects.create(slug="prompts", name="Prompts", by=by, at=at)
variables = VariablesSchema.parse({"properties": {name: {} for name in VALUES}})
body = PromptBody.parse(content_md=SOURCE, content_json=None)
template = versions.register(project=project, name="agent", body=body, variables=variables, by=by, at=at).version
client = clients.create(slug="first", name="First", by=by, at=at)
target = targets.create(client=client, name="memory", adapter="memory", settings={}, credentials={}, by=by, at=at)
draft = drafts.create(client=client, template_version=template, variables=VALUES, name="agent", by=by, at=at)
targets.place(instance=draft, target=target, location={"slot": "first"}, by=by, at=at)
done = publish.publish(instance=draft, by=by, at=at)
courier.deliver(lane_id=done.deliveries[0].lane_id, by=by)
drafts.edit(instance=draft, revision=1, variables={**VALUES, "company": "Another"}, by=by, at=at)
account = tokens.service_account(name="publisher")
policy.grant(role=policy.Role.PUBLISHER, place=client, to=account, by=by, at=at)
assert Delivery.objects.get().state == "delivered"
print(tokens.issue(name="publisher", account=account, scopes=["draft", "publish"], by=by, at=at)[1])
"""

# For each kind of row a word of the ids, so that a row of copy n is known by n alone.
KINDS = {
    "tenancy_client": 1,
    "publishing_target": 2,
    "instances_promptinstance": 3,
    "instances_instanceversion": 4,
    "instances_publication": 5,
    "publishing_lane": 6,
    "publishing_placement": 7,
    "publishing_delivery": 8,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table that grows; ``changed`` are its columns that differ between copies, as SQL over the number ``n``."""

    name: str
    changed: dict[str, str] = field(default_factory=dict)
    per_client: bool = False
    left_out: tuple[str, ...] = ()


def number(kind: str, n: str = "n") -> str:
    """SQL for the id of that kind of row in copy ``n``."""
    return f"('019a0000-0000-7000-8{KINDS[kind]:03d}-' || lpad(to_hex({n}), 12, '0'))::uuid"


CLIENT = number("tenancy_client", f"n / {PER_CLIENT}")
TARGET = number("publishing_target", f"n / {PER_CLIENT}")
INSTANCE, VERSION = number("instances_promptinstance"), number("instances_instanceversion")
LANE, PLACEMENT = number("publishing_lane"), number("publishing_placement")
PUBLICATION, DELIVERY = number("instances_publication"), number("publishing_delivery")
TABLES = (
    Table("prompthub_tenancy_client", {"id": number("tenancy_client"), "slug": "'client-' || n"}, per_client=True),
    Table(
        "guardian_userobjectpermission",
        {"object_pk": f"({number('tenancy_client')})::text"},
        per_client=True,
        left_out=("id",),
    ),
    Table(
        "prompthub_publishing_target",
        {"id": number("publishing_target"), "client_id": number("tenancy_client")},
        per_client=True,
    ),
    Table(
        "prompthub_instances_promptinstance",
        {
            "id": INSTANCE,
            "client_id": CLIENT,
            "name": "'agent-' || n",
            "active_version_id": VERSION,
            "based_on_id": VERSION,
        },
    ),
    Table("prompthub_instances_instanceversion", {"id": VERSION, "instance_id": INSTANCE}),
    Table("prompthub_instances_publication", {"id": PUBLICATION, "instance_id": INSTANCE, "version_id": VERSION}),
    Table("prompthub_publishing_lane", {"id": LANE, "remote_key": "'memory:' || n"}),
    Table(
        "prompthub_publishing_placement",
        {
            "id": PLACEMENT,
            "instance_id": INSTANCE,
            "target_id": TARGET,
            "lane_id": LANE,
            "place": "'place-' || n",
            "location": "jsonb_build_object('slot', n::text)",
        },
    ),
    Table(
        "prompthub_publishing_delivery",
        {"id": DELIVERY, "publication_id": PUBLICATION, "placement_id": PLACEMENT, "lane_id": LANE},
    ),
    Table("prompthub_publishing_deliveryattempt", {"delivery_id": DELIVERY}, left_out=("id",)),
    Table("prompthub_instances_historicalpromptinstance", {"id": INSTANCE}, left_out=("history_id",)),
    Table(
        "prompthub_audit_auditevent",
        {"subject_id": f"({INSTANCE})::text", "client_id": CLIENT},
        left_out=("id",),
    ),
)


def fill(database_url: str, count: int) -> dict[str, int]:
    """Copy the first prompt ``count`` times; returns how many rows each table has afterwards."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        # The copies fit together by construction; foreign keys of a million rows need not be looked up one by one.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        for table in TABLES:
            _copy(connection, table, -(-count // PER_CLIENT) if table.per_client else count)
        settle(connection)
        return {table.name: _count(connection, table.name) for table in TABLES}


def instance_id(n: int) -> str:
    """The id of copy ``n``."""
    return f"019a0000-0000-7000-8{KINDS['instances_promptinstance']:03d}-{n:012x}"


def _copy(connection: psycopg.Connection, table: Table, count: int) -> None:
    """Copies of the first prompt's rows; of the ledger only what tells of the prompt itself."""
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            [table.name],
        )
        if name not in table.left_out
    ]
    if unknown := table.changed.keys() - set(columns):
        raise LookupError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    mine = "WHERE subject_kind = 'instance'" if "subject_kind" in columns else ""
    quoted = ", ".join(f'"{name}"' for name in columns)
    values = [table.changed.get(name, f'source."{name}"') for name in columns]
    statement = (
        f"INSERT INTO {table.name} ({quoted}) "
        f"SELECT {', '.join(values)} FROM generate_series(0, {count - 1}) n, "
        f"(SELECT * FROM {table.name} {mine}) source"
    )
    connection.execute(sql.SQL(statement))


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL(f"SELECT count(*) FROM {table}")).fetchone()
    assert row is not None
    return int(row[0])
