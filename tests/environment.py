"""The environment of a test run, set before anything reads ``prompthub.settings``.

Loaded by ``-p tests.environment`` (pyproject.toml): pytest-django imports the settings before any
``conftest.py``. Whatever is already set wins, so ``DATABASE_URL`` chooses PostgreSQL and
``CELERY_BROKER_URL`` Redis; without them the tests run on SQLite, in a state directory of their own.
"""

from __future__ import annotations

import base64
import gc
import os
import secrets
import shutil
import tempfile
from pathlib import Path

_MADE = "PROMPTHUB_TEST_STATE_MADE_BY"
gc.set_threshold(50_000, 20, 50)  # of the many small things that a test makes hardly any are in a circle


def _prepare() -> None:
    if "PROMPTHUB_STATE_DIR" not in os.environ:
        os.environ["PROMPTHUB_STATE_DIR"] = tempfile.mkdtemp(prefix="prompthub-tests-")
        os.environ[_MADE] = str(os.getpid())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")
    # The test client speaks plain HTTP, which an installation with DATABASE_URL redirects.
    os.environ.setdefault("PROMPTHUB_HTTPS", "off")
    os.environ.setdefault("PROMPTHUB_LLM", "scripted")  # no network, no key
    os.environ["OTEL_TRACES_EXPORTER"] = "none"  # whoever exports spans by default does not mean those of tests
    fresh = {
        "PROMPTHUB_SECRET_KEY": secrets.token_urlsafe(50),
        "PROMPTHUB_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    for name, value in fresh.items():
        if f"{name}_FILE" not in os.environ:
            os.environ.setdefault(name, value)


_prepare()


def pytest_unconfigure() -> None:
    """Remove the state directory, in the process that made it (parallel workers inherit it)."""
    if os.environ.get(_MADE) == str(os.getpid()):
        shutil.rmtree(Path(os.environ["PROMPTHUB_STATE_DIR"]), ignore_errors=True)
