"""Where Django looks for a backend: ``ENGINE = "foundation.postgresql"``."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 15.0
"""How long an answer is waited for. The server ends every statement after a third of that, while it can."""


class Impatient(psycopg.Connection[Any]):
    """A connection that is given up when the server says nothing: its machine is frozen, or the way there is gone.

    The system would wait for a quarter of an hour, or for ever where something still acknowledges what is sent.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's. Raises OperationalError when there is no answer in time; the connection is closed then.

        An error keeps its first sentence alone: what follows quotes the row, and so texts and secrets, into every
        traceback. The constraint and the table that it names are in ``diag`` still.
        """
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.Error as error:
            if error.diag.message_primary:
                error.args = (error.diag.message_primary,)
            if isinstance(error, psycopg.OperationalError) and self._answers_still():
                self.pgconn.finish()
            raise

    def _answers_still(self) -> bool:
        """Whether an answer may come to what was asked."""
        return self.pgconn.transaction_status == TransactionStatus.ACTIVE


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for the question it asks at the beginning of each request that uses a kept connection, and for
    how long it waits for an answer.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that does not wait for ever."""
        connection = super().get_new_connection(conn_params)
        connection.__class__ = Impatient  # Django asks psycopg for a class of its own
        return connection

    def is_usable(self) -> bool:
        """Whether the server still listens: it has neither hung up nor said anything unasked.

        ``SELECT 1``, Django's way to find out, cost a tenth of a whole request. A server that ended, or ended this
        connection, has closed the socket, and the kernel knows; only then, or when something waits to be read, is the
        question asked aloud. A server that vanished without a word is noticed by neither.
        """
        connection = self.connection
        if connection is None or connection.closed:
            return False
        sight = select.poll()
        sight.register(connection.pgconn.socket, select.POLLIN | select.POLLERR | select.POLLHUP)
        return not sight.poll(0) or super().is_usable()
