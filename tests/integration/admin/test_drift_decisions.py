"""What staff decide about a text that a provider changed."""

from __future__ import annotations

import pytest

from instances import drafts
from instances.models import PromptInstance
from publishing.models import Drift
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import address, decide, decided, wrong

pytestmark = pytest.mark.django_db


def test_a_drift_is_shown_as_text_with_its_secrets_masked(staff, world):
    world.drift.observed = "Speak for <script>alert(1)</script>. Book with booking-key-0451-abc."
    world.drift.save()
    page = staff.get(address(Drift, "change", world.drift.pk)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "ph-added" in page
    assert "ph-removed" in page
    assert "booking-key" not in page


def test_a_drift_is_put_right(staff, world):
    decide(staff, Drift, "redeliver", world.drift)
    world.drift.refresh_from_db()
    assert world.drift.ended_by == "redeliver"
    assert decided("drift.redeliver") == ["root"]
    late = decide(staff, Drift, "adopt", world.drift, revision=world.instance.revision)
    assert "settled already" in str(wrong(late))


def test_a_drift_is_taken_into_the_draft(staff, world):
    shown = staff.get(address(Drift, "adopt", world.drift.pk)).context["form"]
    assert shown["revision"].value() == world.instance.revision
    assert "replace" not in shown.fields, "what runs is in the draft: there is nothing to lose"
    decide(staff, Drift, "adopt", world.drift, revision=world.instance.revision)
    draft = PromptInstance.objects.get(pk=world.instance.pk)
    assert "Speak for nobody." in draft.content_md
    assert "booking-key" not in draft.content_md
    assert decided("drift.adopt") == ["root"]


def test_what_was_never_published_is_replaced_only_where_that_is_ticked(staff, world):
    values = {**world.instance.variables, "company": "Never published"}
    draft = drafts.edit(instance=world.instance, revision=world.instance.revision, variables=values, by=SYSTEM, at=AT)
    asked = staff.get(address(Drift, "adopt", world.drift.pk)).context["form"]
    assert "never published" in asked.fields["replace"].label
    refused = decide(staff, Drift, "adopt", world.drift, revision=draft.revision)
    assert wrong(refused).keys() == {"replace"}
    world.drift.refresh_from_db()
    assert (world.drift.ended_at, decided("drift.adopt")) == (None, [])
    decide(staff, Drift, "adopt", world.drift, revision=draft.revision, replace="on")
    assert "Speak for nobody." in PromptInstance.objects.get(pk=draft.pk).content_md
    assert decided("drift.adopt") == ["root"]


def test_a_drift_taken_over_a_draft_that_somebody_changed_meanwhile_is_refused(staff, world):
    drafts.edit(instance=world.instance, revision=world.instance.revision, name="Renamed", by=SYSTEM, at=AT)
    late = decide(staff, Drift, "adopt", world.drift, revision=world.instance.revision)
    assert "changed" in str(wrong(late))
    world.drift.refresh_from_db()
    assert (world.drift.ended_at, decided("drift.adopt")) == (None, [])
