"""Publishing a prompt, and going back to an older version: looked at first, then done in one step."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from audit import events
from audit.actions import Action
from foundation import ids
from foundation.metrics import count_error
from instances import drafts, versions
from instances.models import InstanceVersion
from portal.access import OperatorView
from portal.forms.publishing import PublishForm
from portal.presenters import reviewing
from portal.presenters.reviewing import View
from prompthub_kernel.errors import Conflict, Invalid, Problem
from publishing import closing, publish, targets
from publishing.publish import BASED_ON, Checked, Published
from tenancy.policy import Permission

STALE, DIVERGED = "409.draft_stale", "409.version_conflict"


class ReviewView(OperatorView):
    """What publishing the draft, or an older version, would change and where it would go."""

    section = "prompts"
    version: InstanceVersion | None = None
    error: Invalid | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The version of the address is one of the prompt's own."""
        self.key: uuid.UUID | None = kwargs.pop("version", None)
        return super().dispatch(request, *args, **kwargs)

    def _open(self) -> None:
        if self.instance.archived_at is not None:
            raise Conflict("409.archived", gettext_noop("This prompt is archived; it is not published any more."))
        if self.key is not None:
            self.version = versions.get(key=self.key, instance=self.instance)

    def _check(self, chosen: Sequence[uuid.UUID] | None) -> Checked:
        return publish.check(instance=self.instance, by=self.actor, target_ids=chosen, version=self.version)

    def _asked(self) -> Sequence[Problem] | None:
        """What the targets say, or that they were not asked; None when there is no text to show them."""
        try:
            checked = self._check(None)
        except Invalid:
            return None
        return (*checked.problems, *checked.unanswered)

    def _form(self, goals: Sequence[reviewing.Goal], given: Any = None, reason: str = "") -> PublishForm:
        return PublishForm(
            given,
            goals=goals,
            revision=self.instance.revision,
            expected=self.instance.active_version_id,
            reason=reason,
            names=self._names() if given is not None else {},
        )

    def _names(self) -> dict[str, str]:
        rows = targets.listing(actor=self.actor).filter(client=self.client)
        return {str(key): name for key, name in rows.values_list("pk", "name")}

    def _changes(self) -> dict[str, Any]:
        """The comparison, in the way the address asks for."""
        diverged = reviewing.diverged(instance=self.instance) if self.version is None else None
        asked = self.request.GET.get("show", View.SOURCE if diverged is None else View.THEIRS)
        view = View(asked) if asked in list(View) else View.SOURCE
        found = reviewing.review(
            instance=self.instance, actor=self.actor, version=self.version, view=view, diverged=diverged
        )
        return {"review": found, "diverged": diverged, "version": self.version}

    def _page(
        self,
        form: PublishForm | None = None,
        *,
        status: int = 200,
        problems: Sequence[Problem] | None = None,
        **told: Any,
    ) -> HttpResponse:
        """The whole page. What was chosen and typed stays; what the person has been shown is what is there now."""
        bound = form is not None and form.is_bound
        chosen = form.cleaned_data.get("target") if bound and form is not None else None
        goals = reviewing.goals(instance=self.instance, chosen=chosen, problems=problems)
        fresh = self._form(goals, reason=form.data.get("reason", "") if bound and form is not None else "")
        context = {
            **self._changes(),
            **told,
            "form": fresh,
            "refused": form if bound and form is not None and form.errors else None,
            "goals": goals,
            "error": self.error,
            "others": [problem for problem in problems or () if not _about_a_goal(problem, goals)],
            "checked": problems is not None,
            "unanswered": any(goal.unanswered for goal in goals),
            "next_ordinal": self.instance.last_version_ordinal + 1,
        }
        return self.page("portal/pages/publish.html", context, status=status)


class Publish(ReviewView):
    """``…/publish/``: the draft."""

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The review; for htmx the comparison alone, as it was written or as it is sent."""
        self._open()
        if request.headers.get("HX-Request"):
            return self.page("portal/parts/review_changes.html", self._changes())
        return self._page(problems=self._asked() if "check" in request.GET else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Publish what was reviewed, unless something moved meanwhile: then the review is shown as it is now."""
        self._open()
        goals = reviewing.goals(instance=self.instance)
        form = self._form(goals, request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            done = self._publish(form)
        except Conflict as error:
            return self._moved(form, error)
        except Invalid as error:
            count_error(error=error)
            self.error = error
            return self._page(form, status=422, problems=error.problems)
        self._tell(done, form.cleaned_data["reason"])
        return redirect("portal:publication", self.client.slug, self.instance.pk, done.publication.ordinal)

    def _tell(self, done: Published, reason: str) -> None:
        """What a person does not see on the publication's page: that it is not theirs, and where their reason is."""
        publication = done.publication
        if publication.at == self.at:
            return
        number, lacked = publication.version.ordinal, len(done.deliveries)
        known = _("Version %(number)d was active already, published by %(who)s.") % {
            "number": number,
            "who": publication.by_label,
        }
        sent = ngettext(
            "It is sent to %(count)d place that lacked it.", "It is sent to %(count)d places that lacked it.", lacked
        ) % {"count": lacked}
        said = [known, sent if done.changed else _("Nothing had to be done: every chosen target has it.")]
        if reason:
            said.append(_("Your reason is not kept, for no version moved: “%(reason)s”") % {"reason": reason})
        messages.info(self.request, " ".join(said))

    def _publish(self, form: PublishForm) -> Published:
        given = form.cleaned_data
        if self.version is None:
            drafts.require_revision(draft=self.instance, revision=given["revision"] or 0)
        checked = self._check(given["target"])
        return publish.publish(
            instance=self.instance,
            version=self.version,
            target_ids=given["target"],
            expected_active=given["expected"] if self.version is not None else BASED_ON,
            confirm=given["confirm"] and self._still_active(given["expected"]),
            reason=given["reason"],
            checked=checked,
            by=self.actor,
            at=self.at,
        )

    def _still_active(self, shown: uuid.UUID | None) -> bool:
        """Whether what the person decided to publish over is still what is active."""
        return drafts.get(key=self.instance.pk, actor=self.actor).active_version_id == shown

    def _moved(self, form: PublishForm, error: Conflict) -> HttpResponse:
        """Somebody was faster: who and when, and the review as it is now."""
        if error.code not in {STALE, DIVERGED}:
            raise error
        count_error(error=error)
        self.instance = drafts.get(key=self.instance.pk, actor=self.actor)
        told: dict[str, Any] = {"moved": error.code}
        if error.code == STALE:
            rows = events.for_subject(kind="instance", id=str(self.instance.pk))
            last = rows.filter(action=Action.INSTANCE_DRAFT_EDIT).first()
            told["who"] = last.actor_label if last is not None else ""
        if error.code == DIVERGED or form.cleaned_data["expected"] != self.instance.active_version_id:
            # What went live counts more than that the draft is another one.
            told |= {"moved": DIVERGED, "publication": versions.newest_publication(instance=self.instance)}
        return self._page(form, status=409, **told)


class Rollback(Publish):
    """``…/rollback/<version>/``: an older version again, as a new publication."""

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}


class PublishChecks(ReviewView):
    """``…/publish/checks/?version=``: what the targets say to the text, as a fragment. Uses the network."""

    permissions = {"GET": Permission.PUBLISH}

    def get(self, request: HttpRequest) -> HttpResponse:
        """One answer for each target, put beside its box."""
        self.key = _uuid(request.GET.get("version", ""))
        self._open()
        problems = self._asked()
        goals = reviewing.goals(instance=self.instance, problems=problems)
        unanswered = any(goal.unanswered for goal in goals)
        return self.page(
            "portal/parts/publish_checks.html", goals=goals, checked=problems is not None, unanswered=unanswered
        )


class TakeOver(OperatorView):
    """``…/take-over/<version>/``: the draft becomes what somebody else published."""

    permissions = {"POST": Permission.EDIT}
    section = "prompts"

    def post(self, request: HttpRequest, version: uuid.UUID) -> HttpResponse:
        """Their text, variables and template; secrets stay as they are."""
        theirs = versions.get(key=version, instance=self.instance)
        template = theirs.template_version
        own = None if theirs.body.digest() == template.body.digest() else theirs.body
        shown = request.POST.get("revision", "")
        try:
            drafts.edit(
                instance=self.instance,
                revision=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else 0,
                template_version=template,
                variables=theirs.values,
                body=own,
                based_on=theirs,
                by=self.actor,
                at=self.at,
            )
        except Conflict as error:
            if error.code != STALE:
                raise
            count_error(error=error)
            messages.warning(request, _("The draft was changed meanwhile, so it was left alone. Look at it again."))
            return redirect("portal:publish", self.client.slug, self.instance.pk)
        messages.success(request, _("The draft now says what version %(number)s says.") % {"number": theirs.ordinal})
        return redirect("portal:prompt", self.client.slug, self.instance.pk)


class Archive(OperatorView):
    """``…/archive/``: out of use, after a look at what stays."""

    permissions = {"GET": Permission.EDIT, "POST": Permission.EDIT}
    section = "prompts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What archiving means for this prompt."""
        return self.page("portal/pages/archive.html", goals=reviewing.goals(instance=self.instance))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Archive it."""
        closing.archive(instance=self.instance, by=self.actor, at=self.at)
        messages.success(request, _("%(name)s is archived.") % {"name": self.instance.name})
        return redirect("portal:prompt", self.client.slug, self.instance.pk)


def _about_a_goal(problem: Problem, goals: Sequence[reviewing.Goal]) -> bool:
    return any(problem.pointer.startswith(f"{reviewing.TARGETS}{goal.target.pk}") for goal in goals)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return ids.read(text=text)
    except ValueError:
        return None
