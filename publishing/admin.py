"""Targets, places, deliveries and drifts at the staff's door."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from foundation import actors
from foundation.actors import Door
from foundation.admin import Endless, Lines, ReadOnly, decision, written
from foundation.metrics import count_error
from prompthub_kernel.errors import PromptHubError
from publishing import adapters, deliveries, drift, metrics, replays, targets
from publishing import publish as publishing
from publishing.forms import NewCredentials, NewSettings, NewTarget, OverDraft, Reason
from publishing.masking import masked
from publishing.models import Delivery, DeliveryAttempt, Drift, Lane, Placement, Target
from publishing.ports import NOT_ASKED
from publishing.states import MOVES, DeliveryState
from tenancy import clients
from tenancy.admin import History, Placed, who

LABELS = {
    "pending": "info",
    "sending": "info",
    "retrying": "warning",
    "unknown": "warning",
    "delivered": "success",
    "superseded": "",
    "buried": "danger",
}


class AdapterFilter(admin.SimpleListFilter):
    """By kind of provider."""

    title = "adapter"
    parameter_name = "adapter"
    column = "adapter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(adapters.REGISTRY)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class DeliveryAdapterFilter(AdapterFilter):
    column = "placement__target__adapter"


class DeadLetterFilter(admin.SimpleListFilter):
    """Dead letters: given up, and nothing newer went to that place since."""

    title = "dead letters"
    parameter_name = "dead"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Need a person")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(metrics.dead_letters()) if self.value() == "yes" else queryset


class Placements(Lines):
    model = Placement
    where = written("location", "Location")
    fields = ("instance", "where", "created_at", "removed_at", "checked_at")
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the prompts' names."""
        return super().get_queryset(request).select_related("instance", "target")


@admin.register(Target)
class TargetAdmin(History, Placed):
    list_display = ("name", "client", "adapter", "enabled", "created_at")
    list_select_related = ("client",)
    list_filter = (AdapterFilter, "enabled")
    search_fields = ("name", "client__slug")
    set_up = written("shown_settings", "Settings")
    shown_as = {"settings": masked}
    fields = ("name", "client", "id", "adapter", "enabled", "set_up", "credential_names", "created_at")
    inlines = (Placements,)
    actions_list = ("create",)
    actions_detail = ("test", "change_settings", "rotate_credentials", "enable", "disable", "resume")

    @display(description="Credentials set")
    def credential_names(self, row: Target) -> str:
        return ", ".join(sorted(row.credential_values))

    @decision("New target", form=NewTarget, icon="add")
    def create(self, request: HttpRequest, row: None, values: dict[str, Any]) -> str:
        target = targets.create(
            client=clients.get(key=values["client"], actor=who(request)),
            name=values["name"],
            adapter=values["adapter"],
            settings=values["settings"] or {},
            credentials=values["credentials"] or {},
            by=who(request),
            at=timezone.now(),
        )
        return f"{target.name} is there. Place prompts on it."

    @decision(
        "Test", icon="network_check", text="Asks the provider whether every place can be written. Changes nothing."
    )
    def test(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        answers = targets.test(target=row, actor=who(request))
        for placement, problems in answers:
            for problem in problems:
                messages.warning(request, f"{placement or row}: {problem.detail}")
        if not answers:
            return "Nothing was asked: no prompt is placed there yet."
        asked = [problems for _, problems in answers if NOT_ASKED not in {problem.code for problem in problems}]
        return f"{len(asked)} of {len(answers)} places were asked about."

    @decision("Change settings", form=NewSettings, icon="tune")
    def change_settings(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        targets.change(target=row, **values, by=who(request), at=timezone.now())
        return "The settings are changed."

    @decision("Rotate credentials", form=NewCredentials, icon="key")
    def rotate_credentials(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        targets.rotate_credentials(target=row, **values, by=who(request), at=timezone.now())
        return "Deliveries from now on use the new credentials."

    @decision("Switch on", icon="toggle_on", when=lambda row: not row.enabled)
    def enable(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        targets.enable(target=row, by=who(request), at=timezone.now())
        return f"{row.name} is switched on."

    @decision(
        "Switch off",
        text="Nothing is sent to it any more; what waits goes on when it is switched on. What it runs stays as it is.",
        icon="toggle_off",
        variant=ActionVariant.DANGER,
        when=lambda row: row.enabled,
    )
    def disable(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        targets.disable(target=row, by=who(request), at=timezone.now())
        return f"{row.name} is switched off."

    @decision(
        "Try again now",
        text="Ends the pauses its provider asked for. What waits for it is tried at once.",
        icon="play_arrow",
    )
    def resume(self, request: HttpRequest, row: Target, values: dict[str, Any]) -> str:
        targets.resume(target=row, by=who(request), at=timezone.now())
        return f"What waits for {row.name} is tried again."


@admin.register(Placement)
class PlacementAdmin(Placed):
    place = "target__client"
    list_display = ("instance", "target", "client", "created_at", "removed_at", "checked_at", "unreadable_since")
    list_select_related = ("instance", "target__client")
    list_filter = (("removed_at", admin.EmptyFieldListFilter), ("unreadable_since", admin.EmptyFieldListFilter))
    search_fields = ("instance__name", "target__name", "target__client__slug")
    ordering = ("-created_at", "-id")
    where = written("location", "Location")
    fields = (
        *("instance", "target", "client", "id", "where", "lane", "created_at", "removed_at"),
        *("checked_at", "unreadable_since", "unreadable_reason"),
    )
    actions_detail = ("publish", "remove")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        return super().get_queryset(request).select_related("instance__client", "target__client", "lane")

    @display(description="Client")
    def client(self, row: Placement) -> str:
        return row.target.client.name

    @decision(
        "Publish the prompt",
        form=Reason,
        text="Seals the draft, makes it active and sends it to all its targets.",
        icon="send",
        when=lambda row: row.removed_at is None,
    )
    def publish(self, request: HttpRequest, row: Placement, values: dict[str, Any]) -> str:
        done = publishing.publish(instance=row.instance, **values, by=who(request), at=timezone.now())
        if not done.changed:
            return "That is what runs already; nothing was sent."
        sent = f"{len(done.deliveries)} deliveries are on their way"
        return f"Publication {done.publication.ordinal}, {done.version}: {sent}."

    @decision(
        "Remove",
        text="The prompt is not sent there any more, what waits ends. What runs there stays.",
        icon="link_off",
        variant=ActionVariant.DANGER,
        when=lambda row: row.removed_at is None,
    )
    def remove(self, request: HttpRequest, row: Placement, values: dict[str, Any]) -> str:
        targets.remove_placement(placement=row, by=who(request), at=timezone.now())
        return "The prompt is not sent there any more."


@admin.register(Lane)
class LaneAdmin(ReadOnly):
    list_display = ("remote_key", "epoch", "owner", "leased_until", "not_before", "failures", "open_until")
    search_fields = ("remote_key",)
    fields = ("id", *list_display, "rung_until")


class Attempts(Lines):
    model = DeliveryAttempt
    fields = ("number", "at", "duration_ms", "outcome", "code", "provider_status", "detail")
    ordering = ("id",)
    show_change_link = False


class AtPlace(Placed):
    """Rows of a placement: what goes where."""

    place = "placement__target__client"

    @display(description="Prompt")
    def prompt(self, row: Delivery | Drift) -> str:
        return row.placement.instance.name

    @display(description="Client")
    def client(self, row: Delivery | Drift) -> str:
        return row.placement.target.client.name

    @display(description="Target")
    def target(self, row: Delivery | Drift) -> str:
        return row.placement.target.name

    @display(description="Adapter")
    def adapter(self, row: Delivery | Drift) -> str:
        return row.placement.target.adapter


@admin.register(Delivery)
class DeliveryAdmin(AtPlace, Endless):
    list_display = ("prompt", "client", "target", "adapter", "ordinal", "stage", "tries", "created_at", "error_code")
    list_select_related = ("placement__target__client", "placement__instance__client")
    list_filter = ("state", DeadLetterFilter, DeliveryAdapterFilter)
    search_fields = ("=id", "placement__instance__name", "placement__target__name")
    ordering = ("-id",)
    fields = (
        "prompt",
        "client",
        "target",
        "adapter",
        "id",
        "publication",
        "ordinal",
        "stage",
        "tries",
        "failed_tries",
        "crashes",
        "due_at",
        "created_at",
        "ended_at",
        "error_code",
        "error_detail",
        "remote_version",
        "lane",
        "replay_of",
        "replayed_by",
    )
    inlines = (Attempts,)
    actions = ("replay_chosen",)
    actions_detail = ("replay", "bury")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        return (
            super()
            .get_queryset(request)
            .select_related(
                "placement__target__client", "placement__instance__client", "publication__version", "lane", "replay_of"
            )
        )

    @display(description="State", label=LABELS)
    def stage(self, row: Delivery) -> str:
        return row.state

    @display(description="Replayed by")
    def replayed_by(self, row: Delivery) -> SafeString:
        return format_html_join(", ", '<a href="{}">{}</a>', ((self.page(new), new) for new in row.replays.all()))

    @action(description="Replay")
    def replay_chosen(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send the chosen ones again; each answer is told by itself."""
        chosen = list(queryset[: replays.AT_ONCE])
        try:
            answers = replays.replay_many(deliveries=chosen, by=who(request), at=timezone.now())
        except PromptHubError as error:
            count_error(error=error)
            messages.error(request, error.detail)
            return
        for old, new, why_not in answers:
            name = f"{old.placement.instance.name} at {old.placement.target.name}"
            if new is None:
                messages.warning(request, f"{name}: {why_not}")
            else:
                messages.success(request, f"{name}: is sent again.")

    @decision("Replay", icon="replay", when=lambda row: row.state == DeliveryState.BURIED and not row.replays.exists())
    def replay(self, request: HttpRequest, row: Delivery, values: dict[str, Any]) -> str:
        deliveries.replay(delivery=row, by=who(request), at=timezone.now())
        return "It is sent again, as a new delivery that names this one."

    @decision(
        "Give up",
        text="It is not tried again. It can be replayed later.",
        icon="cancel",
        variant=ActionVariant.DANGER,
        when=lambda row: DeliveryState.BURIED in MOVES[DeliveryState(row.state)] and row.state != DeliveryState.SENDING,
    )
    def bury(self, request: HttpRequest, row: Delivery, values: dict[str, Any]) -> str:
        deliveries.bury(delivery=row, by=who(request), at=timezone.now())
        return "It is given up."


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(Placed, Endless):
    place = "delivery__placement__target__client"
    list_display = ("at", "delivery", "number", "outcome", "code", "provider_status", "duration_ms")
    list_select_related = ("delivery",)
    search_fields = ("=delivery__id",)
    search_help_text = "The id of a delivery"
    ordering = ("-id",)
    fields = ("delivery", "number", "epoch", "at", "duration_ms", "outcome", "code", "detail", "provider_status")


@admin.register(Drift)
class DriftAdmin(AtPlace):
    list_display = ("prompt", "client", "target", "found_at", "ended_at", "ended_by")
    list_select_related = ("placement__target__client", "placement__instance")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("placement__instance__name", "placement__target__name")
    ordering = ("-found_at", "-id")
    fields = (
        "prompt",
        "client",
        "target",
        "id",
        "difference",
        "delivery",
        "observed_digest",
        "remote_version",
        "found_at",
        "ended_at",
        "ended_by",
    )
    actions_detail = ("redeliver", "adopt")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        return (
            super()
            .get_queryset(request)
            .select_related(
                "placement__target__client", "placement__instance__client", "delivery__publication__version"
            )
        )

    @display(description="What the provider changed")
    def difference(self, row: Drift) -> SafeString:
        found = drift.compare(drift=row, actor=actors.system(Door.ADMIN))
        lines = found.unified("delivered", "at the provider").splitlines()
        kinds = {"+": "ph-added", "-": "ph-removed", "@": "ph-hunk"}
        shown = format_html_join(
            "", '<span class="ph-line {}">{}</span>', ((kinds.get(at[:1], ""), at) for at in lines)
        )
        return format_html_join("", '<pre class="ph-text">{}</pre>', [(shown,)])

    @decision("Put ours back", icon="replay", when=lambda row: row.ended_at is None)
    def redeliver(self, request: HttpRequest, row: Drift, values: dict[str, Any]) -> str:
        drift.redeliver(drift=row, by=who(request), at=timezone.now())
        return "Our text is on its way."

    @decision(
        "Take theirs into the draft",
        text="Word for word, for a person to look at and publish. What runs is unchanged.",
        form=OverDraft,
        icon="download",
        when=lambda row: row.ended_at is None,
    )
    def adopt(self, request: HttpRequest, row: Drift, values: dict[str, Any]) -> HttpResponse | str:
        draft = drift.adopt(drift=row, revision=values["revision"], by=who(request), at=timezone.now())
        return f"The draft of {draft.name} is at revision {draft.revision} and holds their text."
