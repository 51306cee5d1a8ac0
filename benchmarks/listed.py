"""Many prompts to list and to search: ours, and the same number at the peers, written as rows."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks.installation import settle

PROJECT = "library"
FIRST = "first"
ROWS = 2_000


def slug(number: int) -> str:
    """How prompt ``number`` is called, everywhere."""
    return f"prompt{number:06}"


def fill(total: int) -> str:
    """So many bundles of one prompt, with their words; the secret of a token that may see them. Runs in the product."""
    from django.utils.timezone import now

    from foundation.actors import system
    from registry import words
    from registry.models import Bundle, Member, SearchWord
    from templates_app.models import Template
    from tenancy import policy, projects, tokens

    by, at = system(), now()
    project = projects.create(slug=PROJECT, name="Library", by=by, at=at)
    for start in range(0, total, ROWS):
        numbers = range(start, min(start + ROWS, total))
        templates = [Template(project=project, name=slug(number), created_at=at) for number in numbers]
        bundles = [
            Bundle(project=project, slug=slug(number), title=f"Prompt {number}", created_at=at, updated_at=at)
            for number in numbers
        ]
        Template.objects.bulk_create(templates)
        Bundle.objects.bulk_create(bundles)
        Member.objects.bulk_create(
            Member(bundle=bundle, name="welcome", template=template)
            for bundle, template in zip(bundles, templates, strict=True)
        )
        SearchWord.objects.bulk_create(
            SearchWord(word=word.encode(), project=project, bundle=bundle, prompt=prompt)
            for bundle in bundles
            for prompt, texts in (
                ("", (bundle.slug, PROJECT, bundle.title)),
                ("welcome", ("welcome", bundle.slug, PROJECT)),
            )
            for word in words.of(*texts)
        )
    account = tokens.service_account(name="reader")
    policy.grant(role=policy.Role.VIEWER, place=project, to=account, by=by, at=at)
    return tokens.issue(name="reader", account=account, scopes=["read"], by=by, at=at)[1]


def database_of(server_url: str, name: str) -> str:
    """The address of a database on the server."""
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def fill_mlflow(database_url: str, total: int) -> None:
    """Copies of its first prompt in the four tables that a prompt is kept in."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("registered_models", "registered_model_tags", "model_versions", "model_version_tags"):
            _copy(connection, table, {"name": _NAME}, "name = 'first'", total)
        settle(connection)


def fill_phoenix(database_url: str, total: int) -> None:
    """Copies of its first prompt and of its versions."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        _copy(connection, "prompts", {"name": _NAME}, "name = 'first'", total, but=("id",))
        prompt = sql.SQL("(SELECT id FROM prompts WHERE name = {})").format(_NAME)
        which = "prompt_id = (SELECT id FROM prompts WHERE name = 'first')"
        _copy(connection, "prompt_versions", {"prompt_id": prompt}, which, total, but=("id",))
        settle(connection)


_NAME = sql.SQL("'prompt' || lpad(n::text, 6, '0')")


def _copy(
    connection: psycopg.Connection,
    table: str,
    changed: dict[str, sql.Composable],
    which: str,
    total: int,
    *,
    but: tuple[str, ...] = (),
) -> None:
    """Write the rows ``which`` of a table again for each number, with some columns changed and others left out."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", [table]
    )
    columns = [name for (name,) in found if name not in but]
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) "
            "SELECT {values} FROM {table}, generate_series(0, {last}) AS n WHERE {which}"
        ).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(changed.get(name, sql.Identifier(table, name)) for name in columns),
            last=sql.Literal(total - 1),
            which=sql.SQL(which),  # type: ignore[arg-type]
        )
    )
