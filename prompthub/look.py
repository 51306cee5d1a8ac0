"""How admin and portal look: django-unfold's settings. The colours are in ``static/prompthub/staff.css``."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy


def _link(title: str, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": _may_see(model),
    }


def _may_see(model: str) -> Any:
    """Whether this person is shown the list; asked of its admin page, so that the two cannot differ."""

    def may_see(request: Any) -> bool:
        from django.apps import apps
        from django.contrib import admin

        label, name = model.rsplit("_", 1)
        found = apps.get_model(label, name)
        return bool(admin.site.get_model_admin(found).has_view_permission(request))

    return may_see


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "PromptHub",
    "SITE_HEADER": "PromptHub",
    "SITE_SUBHEADER": "Prompts on their way",
    "SITE_SYMBOL": "forward_to_inbox",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "prompthub.overview.overview",
    "BORDER_RADIUS": "6px",
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "navigation": [
            {
                "title": "For whom",
                "separator": False,
                "items": [
                    _link("Clients", "apartment", "prompthub_tenancy_client"),
                    _link("Prompts", "chat", "prompthub_instances_promptinstance"),
                    _link("Versions", "lock", "prompthub_instances_instanceversion"),
                    _link("Publications", "history", "prompthub_instances_publication"),
                    _link("Suggestions", "auto_awesome", "prompthub_assist_suggestion"),
                ],
            },
            {
                "title": "On the way",
                "separator": True,
                "items": [
                    _link("Deliveries", "local_shipping", "prompthub_publishing_delivery"),
                    _link("Drift", "difference", "prompthub_publishing_drift"),
                    _link("Targets", "dns", "prompthub_publishing_target"),
                    _link("Placements", "pin_drop", "prompthub_publishing_placement"),
                    _link("Lanes", "traffic", "prompthub_publishing_lane"),
                ],
            },
            {
                "title": "Templates",
                "separator": True,
                "items": [
                    _link("Projects", "folder", "prompthub_tenancy_project"),
                    _link("Templates", "description", "prompthub_templates_template"),
                    _link("Drafts", "edit_note", "prompthub_templates_templatedraft"),
                    _link("Versions", "lock", "prompthub_templates_templateversion"),
                ],
            },
            {
                "title": "Registry",
                "separator": True,
                "items": [
                    _link("Bundles", "inventory_2", "prompthub_registry_bundle"),
                    _link("Releases", "new_releases", "prompthub_registry_release"),
                    _link("Channels", "alt_route", "prompthub_registry_channel"),
                    _link("Moves of channels", "history", "prompthub_registry_activation"),
                    _link("Signed indexes", "verified", "prompthub_registry_repositoryindex"),
                    _link("Signing keys", "vpn_key", "prompthub_registry_signingkey"),
                ],
            },
            {
                "title": "House",
                "separator": True,
                "items": [
                    _link("Audit", "menu_book", "prompthub_audit_auditevent"),
                    _link("Accounts", "person", "auth_user"),
                    _link("Tokens", "key", "prompthub_tenancy_servicetoken"),
                    _link("Failed sign-ins", "gpp_maybe", "axes_accessattempt"),
                ],
            },
        ],
    },
}
