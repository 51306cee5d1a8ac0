"""Statements that every call asks: built by the ORM once, then only filled in.

Building a query and its SQL costs Django several times what PostgreSQL needs to answer it. For the few statements of
the hot paths, the ORM builds them when they are first asked (once per connection, so nothing is shared by threads),
with places where values go; afterwards a call converts its values and runs the SQL. What comes back is what the plain
query gives: model instances, with ``select_related`` and the conversions of each column. Anything else is a matter
for the plain ORM.

    NAMED = Query(lambda: Project.objects.filter(slug=Given("slug", CharField())))
    NAMED.first(slug="prompts")
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models import sql
from django.db.models.expressions import Value
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)
R = TypeVar("R")
Convert = Callable[[Any], Any]


class Given(Value):
    """A place in a prepared statement, filled by the call with the value of that name."""

    def __init__(self, name: str, field: models.Field[Any, Any]) -> None:
        super().__init__(None, output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """The place, and in the list of parameters this very expression."""
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL, and for each parameter a constant or the place of a value."""

    sql: str
    parameters: Sequence[Any]

    def filled(self, values: Mapping[str, Any], database: Any) -> list[Any]:
        """The parameters. Raises KeyError for a value that is not given."""
        return [
            one.output_field.get_db_prep_value(values[one.name], database) if isinstance(one, Given) else one
            for one in self.parameters
        ]


class _OncePerConnection(threading.local, Generic[R]):
    """What was built for this thread's connection."""

    statement: _Statement | None = None
    read: Callable[[Sequence[Any]], R]
    locks: bool


class Query(Generic[R]):
    """A query of whole rows of a model, or of their ``values_list``, which come as sequences.

    ``build`` is asked once for the query set, with :class:`Given` in it.
    """

    def __init__(self, build: Callable[[], models.QuerySet[Any, R]]) -> None:
        self._build = build
        self._own: _OncePerConnection[R] = _OncePerConnection()

    def first(self, **values: Any) -> R | None:
        """The first row, or None."""
        rows = self.all(**values)
        return rows[0] if rows else None

    def all(self, **values: Any) -> list[R]:
        """All rows. Raises TransactionManagementError when the query locks and there is no transaction."""
        own, database = self._own, _database()
        statement = own.statement or self._prepare(own, database)
        if own.locks and database.get_autocommit():
            raise transaction.TransactionManagementError("a locking query runs inside a transaction")
        with database.cursor() as cursor:
            cursor.execute(statement.sql, statement.filled(values, database))
            return [own.read(row) for row in cursor.fetchall()]

    def _prepare(self, own: _OncePerConnection[R], database: Any) -> _Statement:
        queryset = self._build()
        compiler: Any = queryset.query.get_compiler(connection=database)
        text, parameters = compiler.as_sql()
        own.read = _reader(compiler, database)
        own.locks = queryset.query.select_for_update and database.features.has_select_for_update
        own.statement = _Statement(text, parameters)
        return own.statement


class Update(Generic[M]):
    """Sets columns of the rows of ``build``'s query set; ``columns`` are :class:`Given` by the field's name, or what
    Django takes there.
    """

    def __init__(self, build: Callable[[], models.QuerySet[M]], **columns: Any) -> None:
        self._build = build
        self._columns = columns
        self._own: _OncePerConnection[M] = _OncePerConnection()
        self._returning: _OncePerConnection[M] = _OncePerConnection()

    def run(self, **values: Any) -> int:
        """How many rows there were."""
        own, database = self._own, _database()
        statement = own.statement
        if statement is None:
            statement = own.statement = _Statement(*self._sql(database))
        with database.cursor() as cursor:
            cursor.execute(statement.sql, statement.filled(values, database))
            return int(cursor.rowcount)

    def row(self, **values: Any) -> M | None:
        """The one row as it is now, locked by the change until the transaction ends; None if there is none."""
        own, database = self._returning, _database()
        statement = own.statement or self._prepare_returning(own, database)
        with database.cursor() as cursor:
            cursor.execute(statement.sql, statement.filled(values, database))
            rows = cursor.fetchall()  # read to the end: SQLite has changed nothing before
            return own.read(rows[0]) if rows else None

    def _prepare_returning(self, own: _OncePerConnection[M], database: Any) -> _Statement:
        text, parameters = self._sql(database)
        model = self._build().model
        compiler: Any = model._default_manager.order_by().query.get_compiler(connection=database)
        compiler.as_sql()
        columns = (database.ops.quote_name(column[0].target.column) for column in compiler.select)
        own.read = _reader(compiler, database)
        own.statement = _Statement(f"{text} RETURNING {', '.join(columns)}", parameters)
        return own.statement

    def _sql(self, database: Any) -> tuple[str, Sequence[Any]]:
        query: Any = self._build().query.chain(sql.UpdateQuery)
        query.add_update_values(self._columns)
        text, parameters = query.get_compiler(connection=database).as_sql()
        return text, parameters


class Insert(Generic[M]):
    """Writes new rows of a model as ``save(force_insert=True)`` does, but for signals and database defaults."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._own: _OncePerConnection[M] = _OncePerConnection()
        self._key_is_made = isinstance(model._meta.pk, models.AutoField)
        self._fields = [one for one in model._meta.concrete_fields if not (self._key_is_made and one.primary_key)]

    def row(self, row: M) -> None:
        """Write one; its key, if the database makes it, is set. Raises ValueError for a row that is there already."""
        if not row._state.adding:
            raise ValueError("the row is written already")
        own, database = self._own, _database()
        if own.statement is None:
            query: Any = sql.InsertQuery(self._model)
            query.insert_values(self._fields, [row])
            compiler = query.get_compiler(connection=database)
            compiler.returning_fields = [self._model._meta.pk] if self._key_is_made else None
            own.statement = _Statement(compiler.as_sql()[0][0], ())
        values = [field.get_db_prep_save(field.pre_save(row, add=True), database) for field in self._fields]
        with database.cursor() as cursor:
            cursor.execute(own.statement.sql, values)
            if self._key_is_made:
                row.pk = cursor.fetchone()[0]
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _database() -> Any:
    """This thread's connection itself: ``django.db.connection`` looks it up again for every attribute."""
    return connections[DEFAULT_DB_ALIAS]


def _reader(compiler: Any, database: Any) -> Callable[[Sequence[Any]], Any]:
    """A row as an instance, the way Django's own ``ModelIterable`` does it; of ``values_list`` its values."""
    kind, select = compiler.klass_info, compiler.select
    converters = list(_converters(compiler.get_converters([column[0] for column in select]), database))

    def converted(row: Sequence[Any]) -> Sequence[Any]:
        if not converters:
            return row
        values = list(row)
        for index, convert in converters:
            values[index] = convert(values[index])
        return values

    if not compiler.query.default_cols:
        return converted
    begin, end = kind["select_fields"][0], kind["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[begin:end]]
    populators = get_related_populators(kind, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]

    def read(row: Sequence[Any]) -> Any:
        row = converted(row)
        found = kind["model"].from_db(DEFAULT_DB_ALIAS, names, row[begin:end])
        for populator in populators:
            populator.populate(row, found)
        return found

    return read


def _converters(found: Mapping[int, tuple[Sequence[Any], Any]], database: Any) -> Iterator[tuple[int, Convert]]:
    for index, (steps, expression) in found.items():

        def convert(value: Any, steps: Sequence[Any] = steps, expression: Any = expression) -> Any:
            for step in steps:
                value = step(value, expression, database)
            return value

        yield index, convert
