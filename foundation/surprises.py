"""Which errors nobody expected: Sentry hears of these alone, whatever process they come from (docs/adr/0010).

What is anticipated is told by figures, log lines and ``/readyz``: the coded errors, a database that is away, full or
damaged, for which the web answers ``503.database_unavailable``, and a broker that is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery.beat import SchedulingError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

from foundation import database_errors
from prompthub_kernel.errors import PromptHubError

_AWAY = (RedisAway, RedisSilent, OSError)


def is_surprise(error: BaseException) -> bool:
    """Whether somebody has to mend the code, as far as the class of an error and of its cause tells."""
    match error:
        case PromptHubError():
            return error.code == "500.internal_error"
        case RedisAway() | RedisSilent():
            return False
        case BrokerError():  # kombu gives this name to mistakes in a message as well; what it caught tells them apart
            return error.__cause__ is not None and not isinstance(error.__cause__, _AWAY)
        case SchedulingError():  # Celery raises it while it deals with the cause, without naming it
            found = error.__cause__ or error.__context__
            return found is None or is_surprise(found)
    return database_errors.unavailable(error) is None


def told_of(hint: Mapping[str, Any]) -> BaseException | None:
    """The error that an event for Sentry is about, by the SDK's hint; None for an event about no error.

    Celery writes a line with the error among its arguments, and no traceback, each time a broker is not there.
    """
    failure, record = hint.get("exc_info"), hint.get("log_record")
    if failure:
        found: BaseException | None = failure[1]
        return found
    arguments = record.args if record is not None and isinstance(record.args, tuple) else ()
    return next((one for one in arguments if isinstance(one, BaseException)), None)
