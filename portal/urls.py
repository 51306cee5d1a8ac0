"""Every address of the portal. A view declares its rights; tests/architecture/test_doors.py insists."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.views import (
    activity,
    audit,
    bulk,
    clients,
    compare,
    dashboard,
    deliveries,
    draft,
    drifts,
    house,
    moving,
    new_prompt,
    prompt,
    prompts,
    publications,
    publishing,
    refine,
    search,
    session,
    targets,
)

app_name = "portal"

CLIENT = "clients/<slug:client>/"
PROMPT = f"{CLIENT}prompts/<uuid:instance>/"
TARGET = f"{CLIENT}targets/<uuid:target>/"
DELIVERY = "deliveries/<uuid:delivery>/"
DRIFT = "drifts/<uuid:drift>/"

urlpatterns: list[URLPattern] = [
    path("", dashboard.Dashboard.as_view(), name="dashboard"),
    path("login/", session.Login.as_view(), name="login"),
    path("logout/", session.Logout.as_view(), name="logout"),
    path("language/", session.Language.as_view(), name="language"),
    path("clients/", clients.Clients.as_view(), name="clients"),
    path(f"{CLIENT}prompts/", prompts.Prompts.as_view(), name="prompts"),
    path(f"{CLIENT}prompts/new/", new_prompt.NewPrompt.as_view(), name="prompt_new"),
    path(f"{CLIENT}prompts/publish/", bulk.BulkPublish.as_view(), name="bulk_publish"),
    path(f"{CLIENT}prompts/archive/", bulk.BulkArchive.as_view(), name="bulk_archive"),
    path(PROMPT, prompt.Prompt.as_view(), name="prompt"),
    path(f"{PROMPT}draft/", draft.Draft.as_view(), name="draft"),
    path(f"{PROMPT}preview/", prompt.Preview.as_view(), name="preview"),
    path(f"{PROMPT}diff/", compare.Compare.as_view(), name="compare"),
    path(f"{PROMPT}diff.diff", compare.Patch.as_view(), name="patch"),
    path(f"{PROMPT}publish/", publishing.Publish.as_view(), name="publish"),
    path(f"{PROMPT}publish/checks/", publishing.PublishChecks.as_view(), name="publish_checks"),
    path(f"{PROMPT}publications/<int:ordinal>/", publications.Publication.as_view(), name="publication"),
    path(f"{PROMPT}rollback/<uuid:version>/", publishing.Rollback.as_view(), name="rollback"),
    path(f"{PROMPT}take-over/<uuid:version>/", publishing.TakeOver.as_view(), name="take_over"),
    path(f"{PROMPT}archive/", publishing.Archive.as_view(), name="archive"),
    path(f"{PROMPT}template/", moving.Move.as_view(), name="move"),
    path(f"{PROMPT}refine/", refine.Refine.as_view(), name="refine"),
    path(f"{PROMPT}suggestions/<uuid:suggestion>/", refine.Suggestion.as_view(), name="suggestion"),
    path(f"{PROMPT}suggestions/<uuid:suggestion>/accept/", refine.AcceptSuggestion.as_view(), name="accept_suggestion"),
    path(f"{PROMPT}suggestions/<uuid:suggestion>/reject/", refine.RejectSuggestion.as_view(), name="reject_suggestion"),
    path(f"{CLIENT}settings/", refine.ClientSettings.as_view(), name="client_settings"),
    path(f"{PROMPT}activity/", activity.Activity.as_view(), name="activity"),
    path(f"{PROMPT}activity.csv", activity.ActivityCsv.as_view(), name="activity_csv"),
    path(f"{PROMPT}activity.json", activity.ActivityJson.as_view(), name="activity_json"),
    path(f"{PROMPT}activity/<int:event>/", activity.ActivityChange.as_view(), name="activity_change"),
    path(f"{CLIENT}targets/", targets.Targets.as_view(), name="targets"),
    path(f"{CLIENT}targets/new/", targets.NewTarget.as_view(), name="target_new"),
    path(TARGET, targets.OneTarget.as_view(), name="target"),
    path(f"{TARGET}credentials/", targets.Credentials.as_view(), name="target_credentials"),
    path(f"{TARGET}test/", targets.TestTarget.as_view(), name="target_test"),
    path(f"{TARGET}disable/", targets.SwitchTarget.as_view(), name="target_disable"),
    path(f"{TARGET}enable/", targets.SwitchTarget.as_view(enabled=True), name="target_enable"),
    path(f"{TARGET}place/", targets.Place.as_view(), name="target_place"),
    path(f"{TARGET}placements/<uuid:placement>/remove/", targets.RemovePlacement.as_view(), name="placement_remove"),
    path("deliveries/", deliveries.Deliveries.as_view(), name="deliveries"),
    path("deliveries/replay/", deliveries.ReplayMany.as_view(), name="replay_many"),
    path(DELIVERY, deliveries.OneDelivery.as_view(), name="delivery"),
    path(f"{DELIVERY}replay/", deliveries.Replay.as_view(), name="replay"),
    path(f"{DELIVERY}give-up/", deliveries.Bury.as_view(), name="bury"),
    path("drifts/", drifts.Drifts.as_view(), name="drifts"),
    path(DRIFT, drifts.OneDrift.as_view(), name="drift"),
    path(f"{DRIFT}redeliver/", drifts.Redeliver.as_view(), name="redeliver"),
    path(f"{DRIFT}adopt/", drifts.Adopt.as_view(), name="adopt"),
    path("audit/", audit.Audit.as_view(), name="audit"),
    path("audit.csv", audit.AuditCsv.as_view(), name="audit_csv"),
    path("audit.json", audit.AuditJson.as_view(), name="audit_json"),
    path("search/", search.Search.as_view(), name="search"),
    path("settings/", house.Settings.as_view(), name="settings"),
    path("glossary/", house.Glossary.as_view(), name="glossary"),
    path("-/components/", house.Components.as_view(), name="components"),
]
