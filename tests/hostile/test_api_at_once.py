"""The same thing at the same time: one effect, and everybody is told the truth."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from foundation.models import IdempotencyKey
from templates_app.models import Template, TemplateVersion
from tests import factories
from tests.integration.gateway.conftest import ALL, Caller

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls):
    """The answers of all calls, made in threads that start together."""
    barrier, answers = threading.Barrier(len(calls)), []

    def work(call):
        try:
            barrier.wait()
            answers.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(calls)
    return answers


def test_the_same_key_at_the_same_time_has_one_effect_and_one_answer():
    token = factories.make_token(scopes=ALL, superuser=True)[1]
    body = {"name": "new", "content_md": "Hi."}
    answers = at_once([lambda: Caller(token).post("templates", body, Idempotency_Key="k")] * 8)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotency-Replayed", "") for answer in answers) == ["", *["true"] * 7]
    assert (TemplateVersion.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_the_same_template_at_the_same_time_is_registered_once():
    token = factories.make_token(scopes=ALL, superuser=True)[1]
    body = {"name": "new", "version": "1", "content_md": "Hi."}
    answers = at_once([lambda: Caller(token).post("templates", body)] * 8)
    assert sorted(answer.status_code for answer in answers) == [*[200] * 7, 201]
    assert len({answer.json()["templateId"] for answer in answers}) == 1
    assert (Template.objects.count(), TemplateVersion.objects.count()) == (1, 1)


def test_edits_of_one_revision_at_the_same_time_leave_one_winner():
    token = factories.make_token(scopes=ALL, superuser=True)[1]
    instance = factories.make_instance()
    answers = at_once(
        [
            lambda number=number: Caller(token)(
                "PATCH", f"instances/{instance.id}", {"revision": 1, "name": f"n{number}"}
            )
            for number in range(6)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    instance.refresh_from_db()
    assert instance.revision == 2
