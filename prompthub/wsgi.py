"""Django as a WSGI application: what the composite root (``prompthub.asgi``) serves from threads."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")
application = get_wsgi_application()
