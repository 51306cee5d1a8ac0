"""What Sentry hears of: mistakes, and neither outages nor refusals."""

from __future__ import annotations

import logging

import pytest
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from kombu.exceptions import OperationalError as BrokerError
from redis import exceptions as redis

from foundation.surprises import is_surprise, told_of
from prompthub_kernel.errors import Conflict, PromptHubError


def caused(error, cause):
    """The error as it is after ``raise error from cause``."""
    error.__cause__ = cause
    return error


def beaten(cause):
    """What Celery's own scheduler raises when a task cannot be sent for this reason."""

    def refuse(*_, **__):
        raise cause

    app = Celery(set_as_current=False)
    scheduler = Scheduler(app, lazy=True)
    scheduler.send_task = refuse
    with pytest.raises(SchedulingError) as raised:
        scheduler.apply_async(ScheduleEntry(name="sweep", task="of nobody", schedule=1, app=app))
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        Conflict("409.sealed"),
        OperationalError("the connection is lost"),
        InterfaceError("connection already closed"),
        redis.ConnectionError("Connection refused"),
        redis.AuthenticationError("invalid username-password pair"),
        redis.TimeoutError("Timeout reading from socket"),
        BrokerError("Connection refused"),
        caused(BrokerError("Connection refused"), redis.ConnectionError("Connection refused")),
        caused(BrokerError("timed out"), TimeoutError("timed out")),
        beaten(caused(BrokerError("Connection refused"), redis.ConnectionError("Connection refused"))),
        beaten(redis.TimeoutError("Timeout reading from socket")),
    ],
    ids=repr,
)
def test_an_outage_or_a_refusal_is_no_surprise(error):
    assert not is_surprise(error)


@pytest.mark.parametrize(
    "error",
    [
        PromptHubError("500.internal_error"),
        ProgrammingError("no such column"),
        IntegrityError("duplicate key"),
        ValueError("x"),
        ConnectionRefusedError("of a provider"),
        redis.ResponseError("WRONGTYPE"),
        caused(BrokerError("'queue'"), KeyError("queue")),
        caused(BrokerError("WRONGTYPE"), redis.ResponseError("WRONGTYPE")),
        caused(ValueError("x"), OperationalError("the connection is lost")),
        SchedulingError("x"),
        beaten(TypeError("not serializable")),
        beaten(caused(BrokerError("'queue'"), KeyError("queue"))),
    ],
    ids=repr,
)
def test_a_mistake_is_a_surprise(error):
    assert is_surprise(error)


def line(*arguments):
    return logging.LogRecord("celery.beat", logging.ERROR, __file__, 1, "beat: %s", arguments, None)


def test_an_event_is_about_the_error_that_was_raised_or_that_a_line_was_made_of():
    raised, named = ValueError("raised"), redis.ConnectionError("named")
    assert told_of({"exc_info": (ValueError, raised, None), "log_record": line("redis://", named)}) is raised
    assert told_of({"log_record": line("redis://", named, "again")}) is named
    assert told_of({"log_record": line("redis://")}) is None
    assert told_of({"log_record": line({"named": named})}) is None
    assert told_of({}) is None
