"""What the tests of the staff's door share: browsers, addresses, decisions, and a client with a row of everything."""

from __future__ import annotations

from types import SimpleNamespace

from django.apps import apps
from django.contrib import admin
from django.test import Client as Browser
from django.urls import reverse

from assist import switches
from audit.models import AuditEvent
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing.models import Drift
from registry import channels, releases, signing
from resolver.models import UsageDaily
from templates_app import drafts as template_drafts
from tests import factories
from tests.factories.acting import AT, SYSTEM, unique
from tests.factories.workbench import Workbench

SECRETS = {
    "booking_key": "booking-key-0451-abc",
    "signing_secret": "whsec_" + "c2lnbmluZy1zZWNyZXQtb2YtMzItYnl0ZXMhISEh",
}
VARIABLES = {
    "type": "object",
    "properties": {"company": {"type": "string"}, "booking_key": {"type": "string", "x-secret": True}},
    "required": ["company", "booking_key"],
}


def browser_of(user):
    """Somebody signed in. Requests are secure, as large installations redirect all others."""
    found = Browser(headers={"host": "localhost"})
    found.defaults["wsgi.url_scheme"] = "https"
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def build():
    """One client with a prompt that was published, sent, refused, and edited at the provider."""
    client = factories.make_client()
    version = factories.make_template_version(
        content_md="Speak for {{ company }}. Book with {{ booking_key }}.", variables_schema=VARIABLES
    )
    bundle = _shelf(version.template.project)
    instance = factories.make_instance(
        client=client,
        template_version=version,
        variables={"company": "Acme", "booking_key": SECRETS["booking_key"]},
        name=unique("front-desk"),
    )
    target = factories.make_target(
        client=client,
        adapter="webhook",
        settings={"url": "https://provider.example/hook"},
        credentials={"signing_secret": SECRETS["signing_secret"]},
    )
    placement = factories.make_placement(instance=instance, target=target, location={"name": instance.name})
    delivery = factories.make_delivery(placement=placement)
    attempt = factories.make_attempt(delivery=delivery)
    drift = Drift.objects.create(
        placement=placement,
        delivery=delivery,
        observed=f"Speak for nobody. Book with {SECRETS['booking_key']}.",
        observed_digest="sha256:" + "0" * 64,
        found_at=AT,
    )
    draft = template_drafts.create(
        project=version.template.project,
        name=unique("draft"),
        body=PromptBody.parse(content_md="Hello <b>{{ company }}</b>.", content_json=None),
        variables=VariablesSchema.parse({"type": "object", "properties": {"company": {"type": "string"}}}),
        by=SYSTEM,
        at=AT,
    )
    suggestion = factories.make_suggestion(instance=instance)
    token, project = factories.make_token()[0], version.template.project
    UsageDaily.objects.create(
        day=AT.date(), token=token, project=project, prompt="welcome", version="1.0.0", fetches=3, last_at=AT
    )
    factories.make_coach_session(release=bundle.releases.get())
    switches.switch(client=client, enabled=False, by=SYSTEM, at=AT)
    return SimpleNamespace(
        client=client,
        suggestion=suggestion,
        template_version=version,
        instance=instance,
        target=target,
        placement=placement,
        delivery=delivery,
        attempt=attempt,
        drift=drift,
        draft=draft,
        bundle=bundle,
    )


def _shelf(project):
    """A bundle that needs another, was released and retired, and a channel that points at it."""
    needed, bench = Workbench(project), Workbench(project)
    for one in (needed, bench):
        one.write("welcome", "Welcome.")
    needed.cut("1.0.0")
    bench.need(needed.name, "^1")
    release = bench.cut("1.0.0")
    releases.retire(release=release, reason="deprecated", by=SYSTEM, at=AT)
    stable = channels.create(bundle=bench.bundle, name="stable", by=SYSTEM, at=AT)
    channels.activate(channel=stable, to="1.0.0", by=SYSTEM, at=AT)
    signing.index(project=project, actor=SYSTEM, at=AT)
    return bench.bundle


def registered():
    """Every model that has a page, with its page."""
    admin.autodiscover()
    return sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


def ours():
    """Every model of PromptHub's own, histories left out."""
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label.startswith("prompthub_") and not model.__name__.startswith("Historical")
    ]


def address(model, what, *given):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=given)


def bury(placement):
    """A delivery of that placement that the provider refused for good."""
    delivery = factories.make_delivery(placement=placement)
    factories.make_attempt(delivery=delivery, outcome="refused", code="502.adapter_publish_error_memory")
    delivery.refresh_from_db()
    assert delivery.state == "buried"
    return delivery


def decide(browser, model, what, row=None, **values):
    """Press a button and fill in what it asks; the page that follows."""
    return browser.post(address(model, what, *([row.pk] if row else [])), values, follow=True)


def decided(action):
    """The ledger's lines of that action that were written through this door."""
    return list(AuditEvent.objects.filter(action=action, door="admin").values_list("actor_label", flat=True))


def told(page):
    return " ".join(str(message) for message in page.context["messages"])


def wrong(page):
    return page.context["form"].errors
