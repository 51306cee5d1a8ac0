"""The door's app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The REST API."""

    name = "gateway"
    label = "prompthub_gateway"
    verbose_name = "API"
