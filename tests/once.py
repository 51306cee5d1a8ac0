"""Worlds that are made once for all tests of a module: making them anew was half of what those tests cost.

A world is made in a transaction that is undone after the module's last test; each test works in a transaction of its
own inside that one, on a copy of the objects. So no test sees what another changed. A module that uses one has no tests
that commit (``django_db(transaction=True)``): they would commit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction


def once(build: Callable[[], Any]) -> Any:
    """A fixture for a whole module: what ``build`` makes. Tests get it by another one, as ``deepcopy(_built)``."""

    @pytest.fixture(scope="module")
    def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
        with undone(django_db_blocker):
            yield build()

    return built


@contextmanager
def undone(django_db_blocker: Any) -> Iterator[None]:
    """The transaction of a fixture for a whole module, for those that need more than ``once`` gives."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
