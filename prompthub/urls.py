"""Every address of the service. ``/prompt/`` are the seed's own paths; ``/api/v1/`` are the same views."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from prompthub import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("docs/errors/<str:code>", views.error, name="error"),
    path("admin/", admin.site.urls),
    path("prompt/", include("gateway.urls", namespace="prompt")),
    path("api/v1/", include("gateway.urls", namespace="v1")),
    path("", include("portal.urls")),
]

handler400 = views.unreadable
handler403 = views.refused
handler404 = views.not_found
handler500 = views.broken
