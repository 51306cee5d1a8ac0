"""What a bundle's draft comes to: the whole text of each prompt, with the prompts it refers to put in.

A reference without a selector means, of the bundle's own prompts, the one of the same draft; of a bundle that is
needed, the release that was chosen for it; of any other the latest. A reference with a selector means what an address
with it means. What the author may not see looks as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from operator import attrgetter

from foundation.actors import Actor
from prompthub_kernel import references
from prompthub_kernel.address import Address
from prompthub_kernel.body import PromptBody
from prompthub_kernel.bump import Member as Prompt
from prompthub_kernel.errors import Invalid, NotFound, Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.selector import LATEST, Named
from prompthub_kernel.variables import VariablesSchema
from registry import bundles, choosing, names
from registry.models import Bundle, Member, Release
from templates_app import composing, versions
from templates_app.composing import Written
from templates_app.models import Template, TemplateVersion


@dataclass(frozen=True, slots=True)
class Whole:
    """A prompt of a draft: its whole text and what it is made of.

    ``sealed`` is the version that has this text already; None of one that has still to be sealed. ``texts`` are what
    was put in, by address as it is written, ``included`` the releases and prompts that it came from.
    """

    name: str
    template: Template
    body: PromptBody
    variables: VariablesSchema
    digest: str
    sealed: TemplateVersion | None
    texts: Mapping[str, references.Text] = field(default_factory=dict)
    included: tuple[tuple[Release, str], ...] = ()

    @property
    def prompt(self) -> Prompt:
        """What callers notice of it."""
        return Prompt(self.digest, self.body.format, self.variables)


def wholes(
    *,
    bundle: Bundle,
    actor: Actor,
    version: str = "",
    choose: Callable[[], Mapping[str, Release]] = dict,
    only: str | None = None,
) -> dict[str, Whole]:
    """The prompts of a draft by name, each after those of the draft that it is made of; with ``only`` what that needs.

    ``version`` is what the draft will be, for the record of what was put in; ``choose`` tells the releases of
    the bundles it needs. Raises ``404.prompt_not_found`` for ``only`` and ``400.template_schema_invalid`` with pointers
    below ``/members/<name>``: codes of :func:`prompthub_kernel.references.put_in`, ``cycle`` (prompts are made of each
    other), ``depth``, ``empty`` (there is neither a draft nor a version) and those of a text that cannot be used.
    """
    rows = {member.name: member for member in bundles.members(bundle=bundle)}
    if only is not None and only not in rows:
        raise NotFound("404.prompt_not_found", "The bundle has no prompt of that name.")
    written = _written(rows)
    composer = _Composer(bundle, actor, f"@{version}" if version else "", choose)
    found: dict[str, Whole] = {}
    problems: list[Problem] = []
    for name in _in_order(bundle, written, [only] if only is not None else list(written)):
        try:
            found[name] = composer.whole(rows[name], written[name], found)
        except Invalid as refused:
            problems += _below(name, refused.problems or [Problem("", "text", refused.detail)])
    if problems:
        raise _invalid(sorted(problems, key=attrgetter("pointer")))
    return found


def _written(rows: Mapping[str, Member]) -> dict[str, Written]:
    by_template = composing.written(templates=[member.template for member in rows.values()])
    empty = [name for name, member in rows.items() if member.template_id not in by_template]
    if empty:
        detail = "This prompt has no text yet: neither a draft nor a sealed version."
        raise _invalid([problem for name in empty for problem in _below(name, [Problem("", "empty", detail)])])
    return {name: by_template[member.template_id] for name, member in rows.items()}


class _Composer:
    """Looks references up, each once."""

    def __init__(self, bundle: Bundle, actor: Actor, version: str, choose: Callable[[], Mapping[str, Release]]) -> None:
        self._bundle = bundle
        self._own = str(bundle.address)
        self._actor = actor
        self._version = version
        self._choose = choose
        self._bundles: dict[str, Bundle | None] = {self._own: bundle}
        self._meant: dict[str, Release | None] = {}

    def whole(self, member: Member, written: Written, done: Mapping[str, Whole]) -> Whole:
        """The whole text. Raises ``400.template_schema_invalid``."""
        latest = written.latest
        if written.settled and latest is not None:
            return Whole(member.name, member.template, latest.body, written.variables, latest.digest, latest)
        texts, included = self._texts(written, done)
        body = references.put_in(written.body, texts)
        versions.check(body=body, variables=written.variables)
        digest = versions.digest_of(body=body, variables=written.variables)
        same = latest is not None and latest.digest == digest and written.draft is None
        return Whole(
            member.name, member.template, body, written.variables, digest, latest if same else None, texts, included
        )

    def _texts(
        self, written: Written, done: Mapping[str, Whole]
    ) -> tuple[dict[str, references.Text], tuple[tuple[Release, str], ...]]:
        """What there is of what is referred to, by address as it is written, and where it came from."""
        texts: dict[str, references.Text] = {}
        included: dict[tuple[Release, str], None] = {}
        for address in {str(one.address): one.address for one in written.references}.values():
            if _is_own(self._bundle, address):
                if address.prompt in done:
                    sibling = done[address.prompt]
                    spelled = f"{self._own}{self._version}/{address.prompt}"
                    texts[str(address)] = references.Text(spelled, sibling.digest, sibling.body)
                continue
            release = self._release(address)
            if release is not None and address.prompt in release.manifest["prompts"]:
                texts[str(address)] = _text(address, release)
                included[release, address.prompt] = None
        return texts, tuple(included)

    def _release(self, address: Address) -> Release | None:
        name, selector = address.of_bundle.name, address.selector
        if selector is None and name in (chosen := self._choose()):
            return chosen[name]
        selector = selector or Named(LATEST)
        key = f"{name}@{selector}"
        if key not in self._meant:
            bundle = self._seen(name, address)
            self._meant[key] = None if bundle is None else choosing.best(bundle=bundle, selector=selector)
        return self._meant[key]

    def _seen(self, name: str, address: Address) -> Bundle | None:
        if name not in self._bundles:
            try:
                found = bundles.get(repository=address.repository, slug=address.bundle, actor=self._actor)
            except NotFound:
                found = None
            self._bundles[name] = found
        return self._bundles[name]


def _text(address: Address, release: Release) -> references.Text:
    """The sealed text of a prompt of another release, its digest checked."""
    text = names.text(of=names.cut(release=release.pk), name=address.prompt)
    body = PromptBody.parse(
        content_md=text.content_md, content_json=text.content_json, engine=text.engine, format=text.format
    )
    return references.Text(f"{address.of_bundle.name}@{release.version}/{address.prompt}", text.digest, body)


def _is_own(bundle: Bundle, address: Address) -> bool:
    """Whether an address means a prompt of the bundle's own draft."""
    return address.selector is None and address.of_bundle.name == str(bundle.address)


def _in_order(bundle: Bundle, written: Mapping[str, Written], wanted: Sequence[str]) -> Iterable[str]:
    """The prompts that are wanted and what they are made of, those first."""
    made_of: dict[str, list[str]] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in made_of:
            continue
        own = {one.address.prompt for one in written[name].references if _is_own(bundle, one.address)}
        made_of[name] = sorted(own & written.keys())
        waiting += made_of[name]
    try:
        order = list(TopologicalSorter(made_of).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1]
        detail = f"These prompts are made of each other: {' → '.join(circle[:10])}."
        raise _invalid(_below(circle[0], [Problem("", "cycle", detail)])) from None
    depths: dict[str, int] = {}
    for name in order:
        depths[name] = 1 + max((depths[other] for other in made_of[name]), default=0)
        if depths[name] > references.MAX_DEPTH:
            detail = f"Prompts are made of prompts at most {references.MAX_DEPTH} times in a row."
            raise _invalid(_below(name, [Problem("", "depth", detail)]))
    return order


def _below(name: str, problems: Iterable[Problem]) -> list[Problem]:
    place = pointer(("members", name))
    return [Problem(place + problem.pointer, problem.code, problem.detail) for problem in problems]


def _invalid(problems: list[Problem]) -> Invalid:
    first = problems[0]
    name = first.pointer.split("/")[2].replace("~1", "/").replace("~0", "~")
    return Invalid("400.template_schema_invalid", f"{name}: {first.detail}", problems=problems)
