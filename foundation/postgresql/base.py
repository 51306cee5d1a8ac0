"""Where Django looks for a backend: ``ENGINE = "foundation.postgresql"``."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for the question it asks at the beginning of each request that uses a kept connection."""

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
