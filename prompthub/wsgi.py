"""Django as a WSGI application: what the composite root (``prompthub.asgi``) serves from threads."""

from __future__ import annotations

import os
import warnings

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")

with warnings.catch_warnings():
    if settings.WHITENOISE_USE_FINDERS:
        # Static files are read from where they are written, so the folder they are collected in may be missing.
        warnings.filterwarnings("ignore", "No directory at", UserWarning)
    application = get_wsgi_application()
