"""The words of the house, as the glossary page tells them; docs/glossary.md has the same words for programs."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: list[tuple[str | Promise, str | Promise]] = [
    (_("Client"), _("For whom prompts run. Roles are given at a client.")),
    (
        _("Project"),
        _("Where templates and bundles live: the @repository of an address. Roles are given in a project, too."),
    ),
    (_("Bundle"), _("A set of prompts with one address and one version number.")),
    (_("Pack"), _("A bundle of a system prompt and its styles, active per environment.")),
    (_("Cut"), _("Seal a bundle's draft as a release.")),
    (_("Release"), _("A sealed version of a bundle: its prompts, what it needs, its digest. It never changes.")),
    (_("Channel"), _("A name of a bundle that moves from release to release, as “stable” does.")),
    (_("Latest"), _("The highest finished release that was not yanked. It is computed, never set.")),
    (_("Rollout"), _("A second release for a part of a channel's callers, raised step by step.")),
    (_("Proposal"), _("A move of a channel that waits for somebody else's approval.")),
    (_("Retire"), _("Warn whoever reads a release; it is still found.")),
    (_("Yank"), _("Have ranges and “latest” skip a release; its exact version and lock files still find it.")),
    (_("Template"), _("A line of sealed versions under one name, to be filled in for clients.")),
    (_("Prompt"), _("A template filled in for one client: its variables and, where needed, a text of its own.")),
    (_("Draft"), _("Text that can be edited. It runs nowhere.")),
    (_("Seal"), _("Make a text unchangeable and compute its digest.")),
    (_("Version"), _("Sealed text. It never changes.")),
    (_("Active"), _("The version that should run; publishing makes a version active.")),
    (_("Unpublished changes"), _("The draft says something else than the active version.")),
    (_("Archived"), _("Out of use: neither edited nor published. What providers run stays as it is.")),
    (_("Publish"), _("Seal the draft, make it active, and send it to its places, in one step.")),
    (_("Publication"), _("One move of what is active, with a number that only grows. A rollback is one too.")),
    (_("Rollback"), _("Publish an earlier version again.")),
    (_("Conflict"), _("Another version became active since the draft was begun; a person decides how to go on.")),
    (_("Target"), _("A client's account at a provider: which system, its address, its credentials.")),
    (_("Placement"), _("Which prompt goes to which place of a target.")),
    (_("Delivery"), _("One text on its way to one place.")),
    (_("Given up"), _("A delivery that failed too often or was refused: a dead letter. It can be replayed.")),
    (_("Superseded"), _("Not sent any more: a newer publication took its place, or nothing goes there.")),
    (_("Replay"), _("Send a delivery that was given up once more, as a new delivery.")),
    (_("Drift"), _("The provider runs something else than was delivered.")),
    (_("Behind"), _("The prompt's template has a newer version.")),
    (_("Secret"), _("A variable that is kept encrypted, shown to nobody, and put in only when a text is sent.")),
    (_("Suggestion"), _("A text that an AI model proposes for a draft. A person accepts or rejects it.")),
    (_("Audit"), _("The list of who decided what, when, and through which door. Nothing is ever taken from it.")),
    (_("Correlation id"), _("One id that joins a request, its audit entries, its deliveries and its log lines.")),
]
