"""The words and tones of what the registry knows, the same on every page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.presenters.words import State
from prompthub_kernel.bump import Bump
from registry.models import Activation, Bundle, Channel, ReleaseMark
from tenancy.models import Project

KIND: dict[str, State] = {
    Bundle.Kind.SET: State(_("set"), "calm", _("Any prompts.")),
    Bundle.Kind.PACK: State(_("pack"), "note", _("A prompt “system” and styles, active per environment.")),
}
VISIBILITY: dict[str, State] = {
    Project.Visibility.PUBLIC: State(_("public"), "note", _("Everybody with an account reads it.")),
    Project.Visibility.PRIVATE: State(_("private"), "calm", _("Only people and programs with a role here read it.")),
}
RULE: dict[str, State] = {
    Channel.Policy.LIVE: State(_("live"), "good", _("Moves at once; whoever publishes here moves it.")),
    Channel.Policy.REVIEW: State(_("review"), "note", _("Moves when somebody else has approved a proposal.")),
    Channel.Policy.LOCKED: State(_("locked"), "warn", _("Moves only by a program's token with the scope “deploy”.")),
}
S = Activation.State
MOVE: dict[str, State] = {
    S.PROPOSED: State(_("proposed"), "note", _("Waits for somebody else to approve it.")),
    S.SCHEDULED: State(_("scheduled"), "note", _("Is made when its time has come.")),
    S.ACTIVE: State(pgettext_lazy("a move of a channel", "made"), "good", _("The channel was moved.")),
    S.REJECTED: State(pgettext_lazy("a proposal", "rejected"), "bad", _("Somebody said no, and why.")),
    S.WITHDRAWN: State(_("withdrawn"), "calm", _("It was taken back before it was made.")),
    S.FAILED: State(_("failed"), "bad", _("It was due and could not be made.")),
}
MARK: dict[str, State] = {
    ReleaseMark.Kind.RETIRE: State(_("retired"), "warn", _("Still found, with a warning to use another one.")),
    ReleaseMark.Kind.YANK: State(_("yanked"), "bad", _("Ranges skip it; found by its version and by lock files.")),
    ReleaseMark.Kind.REVERT: State(_("reverted"), "bad", _("Taken back within the hour: gone, its number with it.")),
}
R = ReleaseMark.Reason
REASON: dict[str, str | Promise] = {
    R.RENAMED: _("renamed"),
    R.DEPRECATED: _("deprecated"),
    R.SECURITY: _("security"),
    R.INVALID: _("invalid"),
    R.OTHER: _("other"),
}
LATEST = State(_("latest"), "good", _("The highest finished release: what “latest” means."))
PRE_RELEASE = State(_("pre-release"), "note", _("Not finished; ranges and “latest” leave it out."))
BUMP: dict[Bump, State] = {
    Bump.MAJOR: State(_("major"), "bad", _("Takes something away that others rely on.")),
    Bump.MINOR: State(_("minor"), "warn", _("Adds something; what was there still works.")),
    Bump.PATCH: State(_("patch"), "calm", _("Only words changed.")),
}
