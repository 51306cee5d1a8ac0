"""What a row may go through in its life: every model of PromptHub is one of Sealed, AppendOnly or Mutable.

Python refuses the wrong change with a clear error; ``foundation.triggers`` has the database refuse it too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, NoReturn

from django.db import models

from foundation.ids import new_id
from prompthub_kernel.errors import Conflict

TOMBSTONE = "[erased]"


class Mutability(StrEnum):
    """What may happen to a row after it was written."""

    SEALED = "sealed"
    APPEND_ONLY = "append_only"
    MUTABLE = "mutable"


class Mutable(models.Model):
    """Rows that may change: drafts, pointers, settings, leases."""

    mutability: ClassVar[Mutability] = Mutability.MUTABLE

    class Meta:
        abstract = True


def _held(model: type[models.Model], name: str) -> models.Q:
    """Rows whose column holds something that can be erased."""
    nothing = models.Q(**{f"{name}__isnull": True}) | models.Q(**{name: TOMBSTONE})
    return ~(nothing if isinstance(model._meta.get_field(name), models.JSONField) else nothing | models.Q(**{name: ""}))


class _UnchangingQuerySet(models.QuerySet[Any]):
    def _refuse(self) -> NoReturn:
        raise Conflict("409.sealed", f"Rows of {self.model._meta.verbose_name_plural} are never changed or deleted.")

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused."""
        self._refuse()

    def delete(self) -> NoReturn:
        """Refused."""
        self._refuse()

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        self._refuse()

    def update_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        self._refuse()

    def erase(self) -> int:
        """Put the tombstone into every erasable column that holds something; returns how many values went."""
        return sum(
            models.QuerySet(self.model)
            .filter(_held(self.model, name), pk__in=self.values("pk"))
            .update(**{name: TOMBSTONE})
            for name in self.model.erasable
        )


class _Unchanging(models.Model):
    """Shared by Sealed and AppendOnly: written once, then only read.

    ``erasable`` names the text and JSON columns that the law may require us to empty: they may become
    the tombstone and nothing else.
    """

    erasable: ClassVar[tuple[str, ...]] = ()
    objects = _UnchangingQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused with ``409.sealed``."""
        if not self._state.adding:
            raise Conflict("409.sealed", f"This {self._meta.verbose_name} is sealed; it never changes.")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused with ``409.sealed``."""
        raise Conflict("409.sealed", f"This {self._meta.verbose_name} is sealed; it is never deleted.")


class Sealed(_Unchanging):
    """A version: text with a digest that will never be another text."""

    mutability: ClassVar[Mutability] = Mutability.SEALED

    class Meta:
        abstract = True


class AppendOnly(_Unchanging):
    """A ledger: lines are added, never changed."""

    mutability: ClassVar[Mutability] = Mutability.APPEND_ONLY

    class Meta:
        abstract = True


class IdempotencyKey(Mutable):
    """A caller's ``Idempotency-Key`` with the answer it was given, written in the transaction of the effect."""

    id = models.BigAutoField(primary_key=True)
    actor = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=71)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("actor", "key"), name="idempotency_key_once_per_actor"),)
        indexes = (models.Index(fields=("created_at",), name="idempotency_key_age"),)

    def __str__(self) -> str:
        return f"{self.actor} {self.key}"


class ChangeCounter(Mutable):
    """One row: how many changes were announced (:mod:`foundation.broadcast`)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)


class Change(Mutable):
    """Something that processes remember is another now. ``word`` is random: a number that comes again, after a backup
    was restored, comes with another word. Old rows are deleted.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    word = models.UUIDField(default=new_id, editable=False)
    topic = models.CharField(max_length=16)
    key = models.CharField(max_length=255)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number} {self.topic} {self.key}"
