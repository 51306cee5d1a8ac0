"""The settings of every installation: embedded by default, large by environment.

``DATABASE_URL`` chooses the database (SQLite in the state directory by default) and ``CELERY_BROKER_URL``
the broker (in this very process by default). docs/reference/settings.md lists every variable.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from prompthub import env, look

BASE_DIR = env.BASE_DIR
STATE_DIR = env.state_dir()

# --- which installation -------------------------------------------------------------------------------------

DATABASE_URL = env.text(
    "DATABASE_URL",
    form=r"(postgresql|postgres|sqlite)://.*",
    says="an address such as postgresql://user@host/name; other databases than PostgreSQL and SQLite are not served",
)
CELERY_BROKER_URL = env.text(
    "CELERY_BROKER_URL", "memory://", form=r"[a-z][a-z+]*://\S*", says="an address such as redis://host:6379/0"
)
REDIS_URL = env.text("REDIS_URL", form=r"(redis|rediss|unix)://\S+", says="an address such as redis://host:6379/1")
EMBEDDED = not DATABASE_URL
DEBUG = env.flag("PROMPTHUB_DEBUG", default=False)

SECRET_KEY = env.kept("PROMPTHUB_SECRET_KEY", "secret.key", fresh=env.fresh_secret(), embedded=EMBEDDED)
PROMPTHUB_ENCRYPTION_KEYS = [
    key.strip()
    for key in env.kept(
        "PROMPTHUB_ENCRYPTION_KEYS", "encryption.keys", fresh=env.fresh_fernet(), embedded=EMBEDDED
    ).split(",")
]

# --- database ------------------------------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    if not DATABASE_URL:
        found: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(env.database_file())}
    else:
        try:
            found = dict(env.reader.db_url_config(DATABASE_URL))
        except Exception as error:
            raise ImproperlyConfigured("DATABASE_URL is not a database address") from error
    if "sqlite" in found["ENGINE"]:
        # IMMEDIATE: with the default, concurrent writers got thousands of "database is locked" (docs/adr/0004).
        found["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA busy_timeout=20000; PRAGMA journal_size_limit=67108864; "
                "PRAGMA recursive_triggers=ON;"  # else REPLACE deletes rows past the triggers that guard them
            ),
        }
        found["CONN_MAX_AGE"] = 60  # opening the file and reading its schema costs more than most requests
    else:
        found["ENGINE"] = found["ENGINE"].replace("django.db.backends.postgresql", "foundation.postgresql")
        if password := env.text("DATABASE_PASSWORD"):  # as it is; in the address it would have to be escaped
            found["PASSWORD"] = password
        found["CONN_MAX_AGE"] = 60
        found["CONN_HEALTH_CHECKS"] = True
        found.setdefault("OPTIONS", {})
        found["OPTIONS"].setdefault("options", "-c statement_timeout=5000 -c lock_timeout=5000")
        found["OPTIONS"].setdefault("connect_timeout", 5)
        # Every call asks the same few things again: prepared once per connection, they cost the database half.
        found["OPTIONS"].setdefault("server_side_binding", True)
        found["OPTIONS"].setdefault("prepare_threshold", 3)
    # No transaction may be open while anything is sent or waited for.
    found["ATOMIC_REQUESTS"] = False
    return found


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- apps ----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "prompthub.apps.PromptHubConfig",  # before Unfold, whose skeleton it replaces
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.simple_history",
    "prompthub.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "simple_history",
    "axes",
    "csp",
    "django_prometheus",
    "django_htmx",
    # PromptHub, upstairs first
    "gateway",
    "portal",
    "assist",
    "publishing",
    "resolver",
    "registry",
    "instances",
    "templates_app",
    "tenancy",
    "audit",
    "foundation",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "foundation.correlation.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "prompthub.browsers.Policy",
    "prompthub.cookies.WholeCookiesMiddleware",  # before whatever looks a cookie up
    "prompthub.browsers.Session",
    "portal.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "prompthub.browsers.Account",
    "prompthub.browsers.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "prompthub.urls"
WSGI_APPLICATION = "prompthub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- who -----------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "portal.views.session.locked_out"
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "portal:dashboard"

# --- the web -------------------------------------------------------------------------------------------------

HOST = env.text("PROMPTHUB_HOST", "127.0.0.1")
PORT = env.whole("PROMPTHUB_PORT", 8000, most=65_535)
ALLOWED_HOSTS = env.words(
    "PROMPTHUB_ALLOWED_HOSTS",
    f"127.0.0.1,localhost,[::1],{HOST}",
    form=r"\*|\.?[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?",
    says="host names without scheme and port",
)
FORWARDED_ALLOW_IPS = env.networks("FORWARDED_ALLOW_IPS", "127.0.0.1")  # read by uvicorn itself
HTTPS = env.flag("PROMPTHUB_HTTPS", default=not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
CSRF_TRUSTED_ORIGINS = env.words("PROMPTHUB_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "prompthub.views.forged"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
APPEND_SLASH = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_collected"
# What nobody has collected is served from where it is written: a page never comes without its style.
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG or not STATIC_ROOT.is_dir()
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # of the portal; everything else is English (docs/adr/0022)
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]  # before the words that Django and Unfold have for the same
LANGUAGE_COOKIE_NAME = "prompthub_language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
FORMAT_MODULE_PATH = ["prompthub.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

UNFOLD = look.UNFOLD

# --- the API -------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gateway.auth.ServiceTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["gateway.auth.IsActor"],
    "DEFAULT_PARSER_CLASSES": ["gateway.gate.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["gateway.rendering.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
API_RATE = env.text(
    "PROMPTHUB_API_RATE",
    "600/min",
    form=r"[1-9][0-9]{0,8}/(s|sec|m|min|h|hour|d|day)",
    says="calls/period with a period of s, min, hour or day, such as 600/min",
)
HOT_MEGABYTES = env.whole("PROMPTHUB_HOT_MEGABYTES", 192)  # answers kept in the memory of each web process
SPECTACULAR_SETTINGS = {
    "TITLE": "PromptHub",
    "DESCRIPTION": "The prompt for client X, running in system Y.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["gateway.openapi.complete"],
}

# --- work ----------------------------------------------------------------------------------------------------

CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05}
    if CELERY_BROKER_URL.startswith("memory:")
    # One try: a publish while the broker is down would otherwise wait six seconds for it, then leave it to the sweep.
    # Redis keeps no list of what workers hold: a worker whose connection breaks would end for good over that list.
    else {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "ack_emulation": False,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # however long the outage: after 100 tries a worker would end for good
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # what a worker that died was told of is found by the sweep
CELERY_TASK_PUBLISH_RETRY = False  # the row is the truth; the sweep finds what a lost bell did not ring for
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "publishing.sweep", "schedule": env.seconds("PROMPTHUB_SWEEP_SECONDS", 1.0)},
    "suggestions": {"task": "assist.sweep", "schedule": env.seconds("PROMPTHUB_SWEEP_SECONDS", 1.0)},
    "drift": {"task": "publishing.check_drift", "schedule": env.seconds("PROMPTHUB_DRIFT_SECONDS", 300.0)},
    "channels": {"task": "registry.wake", "schedule": env.seconds("PROMPTHUB_SWEEP_SECONDS", 1.0)},
    "chain": {"task": "audit.chain", "schedule": 1.0},
    "forget": {"task": "foundation.forget_idempotency_keys", "schedule": 3600.0},
    "forget changes": {"task": "foundation.forget_changes", "schedule": 3600.0},
}

PROMPTHUB_EGRESS_ALLOW = frozenset(
    env.words(
        "PROMPTHUB_EGRESS_ALLOW",
        form=r"([^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}",
        says="host:port pairs, such as 127.0.0.1:8090",
    )
)
PUBLISHING = {
    "call_seconds": env.seconds("PROMPTHUB_CALL_SECONDS", 10.0),  # one delivery, all its calls together
    "lease_seconds": env.seconds("PROMPTHUB_LEASE_SECONDS", 15.0),  # must be longer than one delivery
    "attempts": env.whole("PROMPTHUB_ATTEMPTS", 32),
    "backoff_base_seconds": env.seconds("PROMPTHUB_BACKOFF_BASE_SECONDS", 1.0),
    "backoff_cap_seconds": env.seconds("PROMPTHUB_BACKOFF_CAP_SECONDS", 300.0),
    "breaker_failures": env.whole("PROMPTHUB_BREAKER_FAILURES", 5),
    "breaker_seconds": env.seconds("PROMPTHUB_BREAKER_SECONDS", 30.0),
    "crash_limit": env.whole("PROMPTHUB_CRASH_LIMIT", 5),
    "recovery_per_second": env.whole("PROMPTHUB_RECOVERY_PER_SECOND", 50),  # remote objects of one provider
    "sweep_seconds": env.seconds("PROMPTHUB_SWEEP_SECONDS", 1.0),
}
if PUBLISHING["lease_seconds"] <= PUBLISHING["call_seconds"]:
    raise ImproperlyConfigured("PROMPTHUB_LEASE_SECONDS must be longer than PROMPTHUB_CALL_SECONDS")

PACKS = {
    "environment": env.text(
        "PROMPTHUB_ENVIRONMENT", form="[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", says="1 to 63 of a-z, 0-9 and -"
    ),
    "defaults": env.words(
        "PROMPTHUB_PACK_DEFAULTS",
        form=r"@[a-z0-9-]+/[a-z0-9-]+@[0-9]\S*",
        says="releases of packs such as @local/coach@1.4.0",
    ),
}

ASSIST: dict[str, Any] = {
    "refine": env.flag("PROMPTHUB_REFINE", default=True),
    "llm": env.text("PROMPTHUB_LLM", "null") or "null",
    "url": env.text("PROMPTHUB_LLM_URL", form=r"https?://[^\s/]+\S*", says="an http or https address"),
    "key": env.text("PROMPTHUB_LLM_KEY"),
    "model": env.text("PROMPTHUB_LLM_MODEL"),
    "seconds": env.seconds("PROMPTHUB_LLM_SECONDS", 60.0),  # one answer, from the question to its end
    "max_tokens": env.whole("PROMPTHUB_LLM_MAX_TOKENS", 8192),
    "at_once": env.whole("PROMPTHUB_LLM_AT_ONCE", 4),  # deliveries share the workers
    "scripted_pause": 0.03,  # seconds between two words
}
if ASSIST["llm"] not in {"null", "scripted", "openai", "anthropic"}:
    raise ImproperlyConfigured("PROMPTHUB_LLM must be one of null, scripted, openai, anthropic")
if ASSIST["llm"] in {"openai", "anthropic"} and not ASSIST["model"]:
    raise ImproperlyConfigured("PROMPTHUB_LLM needs PROMPTHUB_LLM_MODEL, the name of the model to ask")

# --- observability -------------------------------------------------------------------------------------------

LOG_JSON = env.flag("PROMPTHUB_LOG_JSON", default=not EMBEDDED)
LOG_LEVEL = env.text(
    "PROMPTHUB_LOG_LEVEL",
    "INFO",
    form=r"(?i:DEBUG|INFO|WARNING|ERROR|CRITICAL)",
    says="one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
)
LOGGING_CONFIG = None  # foundation.logging configures it in PromptHubConfig.ready
SENTRY_DSN = env.text(
    "SENTRY_DSN",
    form=r"https?://[^@\s]+@[^/@\s]+/(\S*/)?[0-9]+",
    says="the DSN that Sentry shows, https://key@host/number",
)
# OpenTelemetry's own variables; its SDK reads these and all others itself.
_COLLECTOR = env.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
TRACES_EXPORTER = env.text("OTEL_TRACES_EXPORTER", form="otlp|console|none", says="otlp, console or none") or (
    "otlp" if _COLLECTOR else "none"
)
