"""Addresses of the API, included twice by the roof: at ``/api/v1/`` and, for the seed's paths, at ``/prompt/``."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from gateway import converters, documents
from gateway.endpoint import Endpoint, Nowhere
from gateway.v1 import (
    audit,
    bundles,
    channels,
    clients,
    deliveries,
    drifts,
    grants,
    instance_versions,
    instances,
    projects,
    publishing,
    reviews,
    suggestions,
    targets,
    template_drafts,
    templates,
    tokens,
)

app_name = "prompthub_api"

BUNDLES = "projects/<slug:project>/bundles"
CHANNEL = "/<slug:bundle>/channels/<channel:channel>"

_OF_BUNDLES = {
    "": bundles.ProjectBundles,
    "/<slug:bundle>": bundles.OneBundle,
    "/<slug:bundle>/compatibility": bundles.BundleCompatibility,
    "/<slug:bundle>/members/<prompt:prompt>": bundles.BundleMember,
    "/<slug:bundle>/requirements/@<slug:repository>/<slug:required>": bundles.BundleRequirement,
    "/<slug:bundle>/channels": channels.Channels,
    CHANNEL: channels.OneChannel,
    f"{CHANNEL}/rollback": channels.ChannelRollback,
    f"{CHANNEL}/split": channels.ChannelSplit,
    f"{CHANNEL}/split/stop": channels.StopSplit,
    f"{CHANNEL}/split/finish": channels.FinishSplit,
    f"{CHANNEL}/activations": channels.ChannelActivations,
    f"{CHANNEL}/proposals": channels.ChannelProposals,
    f"{CHANNEL}/schedules": channels.ChannelSchedules,
}
_ADDRESSES: dict[str, type[Endpoint]] = {
    "templates": templates.Templates,
    "templates/drafts": template_drafts.TemplateDrafts,
    "templates/drafts/<uuid:draft_id>": template_drafts.OneTemplateDraft,
    "templates/drafts/<uuid:draft_id>/seal": template_drafts.SealTemplateDraft,
    "templates/<uuid:template_id>": templates.OneTemplate,
    "templates/<uuid:template_id>/versions": templates.TemplateVersions,
    "instances": instances.Instances,
    "instances/<uuid:instance_id>": instances.OneInstance,
    "instances/<uuid:instance_id>/preview": instances.PreviewInstance,
    "instances/<uuid:instance_id>/archive": instances.ArchiveInstance,
    "instances/<uuid:instance_id>/diff": instances.DiffInstance,
    "instances/<uuid:instance_id>/versions": instance_versions.InstanceVersions,
    "instances/<uuid:instance_id>/versions/<uuid:version_id>": instance_versions.OneInstanceVersion,
    "instances/<uuid:instance_id>/versions/<uuid:version_id>/reveal": instance_versions.RevealInstanceVersion,
    "instances/<uuid:instance_id>/publications": instance_versions.Publications,
    "instances/<uuid:instance_id>/publish": publishing.PublishInstance,
    "instances/<uuid:instance_id>/suggestions": suggestions.InstanceSuggestions,
    "suggestions/<uuid:suggestion_id>": suggestions.OneSuggestion,
    "suggestions/<uuid:suggestion_id>/accept": suggestions.AcceptSuggestion,
    "suggestions/<uuid:suggestion_id>/reject": suggestions.RejectSuggestion,
    "clients": clients.Clients,
    "clients/<slug:client>": clients.OneClient,
    "clients/<slug:client>/archive": clients.ArchiveClient,
    "clients/<slug:client>/grants": grants.ClientGrants,
    "clients/<slug:client>/refine": suggestions.ClientRefine,
    "clients/<slug:client>/targets": targets.ClientTargets,
    "clients/<slug:client>/placements": targets.ClientPlacements,
    "projects": projects.Projects,
    "projects/<slug:project>": projects.OneProject,
    "projects/<slug:project>/grants": grants.ProjectGrants,
    **{f"{BUNDLES}{address}": view for address, view in _OF_BUNDLES.items()},
    "reviews": reviews.Reviews,
    "activations/<uuid:activation_id>": reviews.OneActivation,
    "activations/<uuid:activation_id>/withdraw": reviews.WithdrawActivation,
    "proposals/<uuid:activation_id>": reviews.OneProposal,
    "proposals/<uuid:activation_id>/approve": reviews.ApproveProposal,
    "proposals/<uuid:activation_id>/reject": reviews.RejectProposal,
    "targets/<uuid:target_id>": targets.OneTarget,
    "targets/<uuid:target_id>/test": targets.TestTarget,
    "targets/<uuid:target_id>/credentials": targets.TargetCredentials,
    "targets/<uuid:target_id>/disable": targets.DisableTarget,
    "targets/<uuid:target_id>/enable": targets.EnableTarget,
    "targets/<uuid:target_id>/resume": targets.ResumeTarget,
    "placements/<uuid:placement_id>": targets.OnePlacement,
    "deliveries": deliveries.Deliveries,
    "deliveries/replay": deliveries.ReplayDeliveries,
    "deliveries/<uuid:delivery_id>": deliveries.OneDelivery,
    "deliveries/<uuid:delivery_id>/replay": deliveries.ReplayDelivery,
    "deliveries/<uuid:delivery_id>/bury": deliveries.BuryDelivery,
    "drifts": drifts.Drifts,
    "drifts/<uuid:drift_id>": drifts.OneDrift,
    "drifts/<uuid:drift_id>/redeliver": drifts.RedeliverDrift,
    "drifts/<uuid:drift_id>/adopt": drifts.AdoptDrift,
    "audit": audit.Audit,
    "tokens": tokens.Tokens,
    "tokens/<uuid:token_id>": tokens.OneToken,
    "me": tokens.Me,
}

converters.register()
urlpatterns: list[URLPattern] = [
    *(path(address, view.as_view()) for address, view in _ADDRESSES.items()),
    path("openapi.json", documents.openapi, name="openapi"),
    path("docs/", documents.Docs.as_view(), name="docs"),
    re_path(r"", Nowhere.as_view()),
]
