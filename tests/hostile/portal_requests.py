"""A valid request to every address of the portal about a world of ``two_worlds``: what its form sends.

Addresses come from the URL configuration; this says what fills them in and what is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.urls import URLPattern, reverse

from audit.models import AuditEvent
from foundation.actors import Door
from instances import drafts
from portal.urls import urlpatterns
from prompthub_kernel.body import PromptBody
from publishing import publish, targets
from registry import pending
from registry.models import Activation
from tenancy import tokens
from tenancy.policy import Permission
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.hostile import shelf_pages
from tests.hostile.shelf_pages import Given

OUTSIDE = {"login", "logout", "language"}
"""The way in and the way out: nobody has rights yet, or any more."""
ROUTES: dict[str, URLPattern] = {entry.name: entry for entry in urlpatterns if entry.name not in OUTSIDE}
TEXT = "For {{ company }}, as of today: {{ pin }}."


def permissions(name: str) -> Mapping[str, Permission]:
    """What a page says about itself; nothing where it says nothing."""
    return getattr(getattr(ROUTES[name].callback, "view_class", None), "permissions", {})


CELLS = [(name, method) for name in ROUTES for method in permissions(name)]
LISTINGS = {name for name, entry in ROUTES.items() if not entry.pattern.converters}
"""Addresses that name nothing: they show to each what is theirs."""
FRAMED = {name for name, entry in ROUTES.items() if "client" in entry.pattern.converters}
"""Addresses below a client: the right is asked there, before anything else."""
WRITES_NOTHING = {"preview", "target_test", "bundle_preview"}
"""What is asked by POST and changes nothing."""
OWN_ALONE = {"review_change"}
"""For whoever asked for it; here that is nobody."""
REDIRECTS = {"release_compare_chosen"}
"""What leads on to another address by GET."""
DECIDED_BELOW = {("move_withdraw", "POST"): Permission.REVIEW, ("review_withdraw", "POST"): Permission.REVIEW}
"""Where the address alone does not say who may: whoever asked for it may too, here nobody."""


def as_asked_for_by(world: SimpleNamespace, person: Any) -> None:
    """Let the proposal of a world be this person's own: what is for whoever asked answers them."""
    actor = tokens.actor_for(person, door=Door.PORTAL)
    made = Activation.objects.filter(pk=world.shelf.proposal.pk)
    made.update(by=actor.id, makers=sorted(pending.hands(actor=actor)))


def parts(world: SimpleNamespace) -> dict[str, Any]:
    """What fills in the addresses."""
    return {
        "client": world.client.slug,
        "instance": world.instance.pk,
        "version": world.version.pk,
        "suggestion": world.suggestion.pk,
        "event": AuditEvent.objects.filter(subject_kind="instance", subject_id=str(world.instance.pk)).first().pk,
        "ordinal": world.instance.last_publication_ordinal,
        "target": world.target.pk,
        "placement": world.placement.pk,
        "delivery": world.buried.pk,
        "drift": world.drift.pk,
        "project": world.project.slug,
        "template": world.template.template_id,
        "bundle": world.shelf.bundle.slug,
        "release": "1.0.0",
        "old": "1.0.0",
        "new": "1.1.0",
        "channel": "live",
        "activation": world.shelf.proposal.pk,
    }


def address(name: str, world: SimpleNamespace, **other: Any) -> str:
    """The address of a route, filled in; ``other`` parts replace the world's. Raises KeyError for an unknown part."""
    known = {**parts(world), **other}
    return reverse(f"portal:{name}", kwargs={part: known[part] for part in ROUTES[name].pattern.converters})


def _newer(w: SimpleNamespace) -> Given:
    """Another version is active, so that going back is a change."""
    body = PromptBody.parse(content_md=TEXT, content_json=None)
    draft = drafts.get(key=w.instance.pk, actor=SYSTEM)
    drafts.edit(instance=draft, revision=draft.revision, body=body, by=SYSTEM, at=AT)
    done = publish.publish(instance=drafts.get(key=w.instance.pk, actor=SYSTEM), by=SYSTEM, at=AT)
    return Given({"expected": done.version.pk, "target": [str(w.target.pk)]})


def _edited(w: SimpleNamespace) -> Given:
    """There is something to publish, or to take back."""
    body = PromptBody.parse(content_md=TEXT, content_json=None)
    draft = drafts.edit(
        instance=drafts.get(key=w.instance.pk, actor=SYSTEM), revision=w.instance.revision, body=body, by=SYSTEM, at=AT
    )
    return Given({"revision": draft.revision, "expected": w.version.pk})


def _other_version(w: SimpleNamespace) -> str:
    """A further version of the template, which the draft may follow."""
    return str(factories.make_template_version(
        project=w.template.template.project,
        name=w.template.template.name,
        content_md=TEXT,
        variables_schema=w.template.variables_schema,
    ).pk)  # fmt: skip


def _disabled(w: SimpleNamespace) -> Given:
    targets.disable(target=targets.get(key=w.target.pk, actor=SYSTEM), by=SYSTEM, at=AT)
    return Given()


def _with(given: Given, **more: Any) -> Given:
    return Given({**given.form, **more}, given.query, given.parts)


TYPED: dict[tuple[str, str], Callable[[SimpleNamespace], Given]] = {
    ("prompt_new", "POST"): lambda w: Given(
        {"template": w.template.pk, "name": "new", "revision": 1, "variable-company": "A", "variable-pin": "1234"}
    ),
    ("bulk_publish", "GET"): lambda w: Given(query={"prompt": w.instance.pk}),
    ("bulk_publish", "POST"): lambda w: _with(_edited(w), prompt=[w.instance.pk]),
    ("bulk_archive", "GET"): lambda w: Given(query={"prompt": w.instance.pk}),
    ("bulk_archive", "POST"): lambda w: Given({"prompt": [w.instance.pk]}),
    ("draft", "POST"): lambda w: Given({"text": TEXT, "revision": w.instance.revision, "part": "text"}),
    ("preview", "POST"): lambda w: Given({"text": TEXT, "revision": w.instance.revision}),
    ("publish", "POST"): lambda w: _with(_edited(w), target=[str(w.target.pk)]),
    ("rollback", "POST"): _newer,
    ("take_over", "POST"): _edited,
    ("refine", "POST"): lambda w: Given({"instruction": "Be brief.", "revision": w.instance.revision}),
    ("accept_suggestion", "POST"): lambda w: Given({"take": "all"}),
    ("target_new", "GET"): lambda w: Given(query={"adapter": "memory"}),
    ("target_new", "POST"): lambda w: Given({"name": "new"}, {"adapter": "memory"}),
    ("target", "POST"): lambda w: Given({"settings-fail": '["ok"]'}),
    ("target_enable", "POST"): _disabled,
    ("target_place", "POST"): lambda w: Given({"instance_id": w.instance.pk, "location-slot": "new"}),
    ("publication", "POST"): lambda w: Given({"delivery": w.buried.pk}),
    ("replay_many", "POST"): lambda w: Given({"delivery": [w.buried.pk]}),
    ("bury", "POST"): lambda w: Given(parts={"delivery": w.retrying.pk}),
    ("adopt", "POST"): lambda w: Given({"revision": w.instance.revision}),
    ("move", "GET"): lambda w: Given(query={"to": _other_version(w)}),
    ("move", "POST"): lambda w: Given(
        {
            "to": _other_version(w),
            "revision": w.instance.revision,
            "variable-company": "A",
            "variable-pin": "1234",
        }
    ),
    ("search", "GET"): lambda w: Given(query={"q": w.word}),
    **shelf_pages.TYPED,
}
"""What is typed where nothing would not do."""


def send(browser: Any, name: str, method: str, world: SimpleNamespace, **other: Any) -> Any:
    """The answer to a page's request as a browser sends it, redirects not followed; ``other`` parts of the address."""
    given = TYPED.get((name, method), lambda w: Given())(world)
    path = address(name, world, **{**given.parts, **other})
    if given.query:
        path = f"{path}?{urlencode(given.query, doseq=True)}"
    if method == "POST":
        return browser.post(path, {key: str(value) if not isinstance(value, list) else value
                                   for key, value in given.form.items()})  # fmt: skip
    return browser.generic(method, path)


def make_sibling(world: SimpleNamespace) -> SimpleNamespace:
    """A second prompt of the same client with rows of its own, for addresses that mix two prompts or two targets."""
    instance = factories.make_instance(
        client=world.client,
        template_version=world.template,
        variables={"company": "B", "pin": f"{world.word}-pin-2"},
        name=f"{world.word}-sibling",
    )
    target = factories.make_target(client=world.client, name="sibling")
    placement = factories.make_placement(instance=instance, target=target, location={"slot": f"{world.word}-sibling"})
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    row = drafts.get(key=instance.pk, actor=SYSTEM)
    body = PromptBody.parse(content_md=TEXT, content_json=None)
    drafts.edit(instance=row, revision=row.revision, body=body, by=SYSTEM, at=AT)
    done = publish.publish(instance=drafts.get(key=instance.pk, actor=SYSTEM), by=SYSTEM, at=AT)
    suggestion = factories.make_suggestion(instance=instance)
    instance.refresh_from_db()
    made = {"instance": instance, "version": done.version, "suggestion": suggestion}
    return SimpleNamespace(**{**vars(world), **made, "target": target, "placement": placement})


def nested() -> Iterator[tuple[str, str]]:
    """Routes whose address names a row below a prompt or a target, and the part that names it."""
    for name, entry in ROUTES.items():
        named = list(entry.pattern.converters)
        if len(named) > 2 and "client" in named:
            yield name, named[-1]
