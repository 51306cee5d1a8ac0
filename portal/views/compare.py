"""Any two texts of a prompt beside each other."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instances.comparing import Kind, Level, Side
from portal.presenters import comparing, showing
from portal.presenters.choices import level_for, options, side_label
from portal.presenters.showing import Shape
from portal.views.prompt import PromptView
from publishing import sides
from tenancy.policy import Permission

REMEMBERED = "portal_diff_view"


class Compare(PromptView):
    """``…/diff/?base=&target=&level=&view=``: the address says everything, so that it can be sent to somebody."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Without sides: the active version (else the template) against the draft."""
        asked = request.GET
        groups = options(instance=self.instance, actor=self.actor)
        fallback = Kind.TEMPLATE if self.instance.active_version is None else Kind.ACTIVE
        words = [asked.get("base") or str(fallback), asked.get("target") or str(Kind.DRAFT)]
        wanted = Level.RENDERED if asked.get("level") == Level.RENDERED else Level.SOURCE
        level = level_for(words=words, groups=groups, wanted=wanted)
        shape = self._shape(request)
        base, target = (self._side(word, level) for word in words)
        found = showing.show(
            base=base,
            target=target,
            format=self.instance.template_version.format,
            shape=shape,
            ignore_space="space" in asked,
            whole="whole" in asked,
        )
        return self.tab(
            "compare",
            groups=groups,
            base=base,
            target=target,
            labels=(side_label(base), side_label(target)),
            level=level,
            forced=level is not wanted,
            shape=found.shape if shape is not Shape.STRUCTURE else shape,
            structured=base.document is not None and target.document is not None,
            space="space" in asked,
            shown=found,
            patch=self._patch(base, target, level),
        )

    def _shape(self, request: HttpRequest) -> Shape:
        """The one the address asks for, else the one last asked for."""
        asked = request.GET.get("view", "")
        if asked in list(Shape):
            if request.session.get(REMEMBERED) != asked:
                request.session[REMEMBERED] = asked
            return Shape(asked)
        return Shape(request.session.get(REMEMBERED, Shape.STRUCTURE))

    def _patch(self, base: Side, target: Side, level: Level) -> str:
        where = {"client": self.client.slug, "instance": self.instance.pk}
        asked = {"base": base.word, "target": target.word, "level": level}
        return f"{reverse('portal:patch', kwargs=where)}?{urlencode(asked)}"

    def _side(self, word: str, level: Level) -> Side:
        return sides.side(instance=self.instance, word=word, level=level, actor=self.actor)


class Patch(PromptView):
    """``…/diff.diff``: the same comparison as a file that ``patch`` understands."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """A unified diff; empty where nothing changed."""
        level = Level.RENDERED if request.GET.get("level") == Level.RENDERED else Level.SOURCE
        words = (request.GET.get("base") or str(Kind.TEMPLATE), request.GET.get("target") or str(Kind.DRAFT))
        base, target = (sides.side(instance=self.instance, word=word, level=level, actor=self.actor) for word in words)
        answer = HttpResponse(comparing.patch(base=base, target=target), content_type="text/x-diff; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self.instance.pk}.diff"'
        return answer
