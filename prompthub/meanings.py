"""What each setting does, in one place: docs/reference/settings.md is made from this and from prompthub/settings.py."""

from __future__ import annotations

MEANINGS = {
    "CELERY_BROKER_URL": "The broker that wakes the workers. `memory://`: worker and beat live in the web server's "
    "own process.",
    "DATABASE_PASSWORD": "The password of that database as it is, instead of escaped in its address.",
    "DATABASE_URL": "The database, `postgresql://…`. Empty: SQLite in the state directory.",
    "FORWARDED_ALLOW_IPS": "Addresses or networks of proxies whose `X-Forwarded-For` is believed; `*` for all.",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "The collector that spans are sent to, `http://collector:4318`. OpenTelemetry's "
    "other variables work too: [spans](../howto/run-the-large-installation.md#spans).",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "The same with its whole path, `http://collector:4318/v1/traces`.",
    "OTEL_TRACES_EXPORTER": "Where spans go: `otlp`, `console` or `none`. Empty: `otlp` where an endpoint is set.",
    "PROMPTHUB_ALLOWED_HOSTS": "The names people call the site by.",
    "PROMPTHUB_API_RATE": "How many calls an actor may make in which time; `s`, `min`, `hour` or `day`.",
    "PROMPTHUB_ATTEMPTS": "Failed tries after which a delivery is given up; a `Retry-After` is no failure.",
    "PROMPTHUB_BACKOFF_BASE_SECONDS": "The pause after the first failed try; it doubles with each further one.",
    "PROMPTHUB_BACKOFF_CAP_SECONDS": "The longest pause between two tries.",
    "PROMPTHUB_BREAKER_FAILURES": "Failures in a row after which a remote object is left alone for a while.",
    "PROMPTHUB_BREAKER_SECONDS": "How long it is left alone.",
    "PROMPTHUB_CALL_SECONDS": "All calls of one try to deliver together. Shorter than the lease.",
    "PROMPTHUB_CRASH_LIMIT": "Crashes of a worker over one delivery before it is given up.",
    "PROMPTHUB_DEBUG": "Django's debug pages and code that is loaded again when it changes. Never in production.",
    "PROMPTHUB_DRIFT_SECONDS": "How often providers are asked whether they still run what was delivered.",
    "PROMPTHUB_EGRESS_ALLOW": "`host:port` pairs that may be called although they are private.",
    "PROMPTHUB_ENCRYPTION_KEYS": "The keys of secrets in the database, the newest first. Back them up.",
    "PROMPTHUB_ENVIRONMENT": "The environment whose releases of packs this installation runs, such as `staging`: the "
    "channel `active@staging`. Empty: the channel `active`.",
    "PROMPTHUB_HOST": "The address the server listens on.",
    "PROMPTHUB_HTTPS": "Redirects to https, secure cookies and HSTS.",
    "PROMPTHUB_LEASE_SECONDS": "How long a worker that fell silent keeps a remote object for itself.",
    "PROMPTHUB_LLM": "Which kind of model refines prompts: `null` (none), `scripted`, `openai` or `anthropic`.",
    "PROMPTHUB_HOT_MEGABYTES": "Answers to reads that a web process keeps in memory, in MB; the oldest go first.",
    "PROMPTHUB_LLM_AT_ONCE": "Suggestions written at the same time; deliveries share the workers.",
    "PROMPTHUB_LLM_KEY": "The key of the model's interface.",
    "PROMPTHUB_LLM_MAX_TOKENS": "How much `anthropic` may write.",
    "PROMPTHUB_LLM_MODEL": "The name of the model to ask.",
    "PROMPTHUB_LLM_SECONDS": "One answer of the model, from the question to its end.",
    "PROMPTHUB_LLM_URL": "The address of the model's interface. Empty: the vendor's own.",
    "PROMPTHUB_LOG_JSON": "Log lines as JSON objects instead of lines for eyes.",
    "PROMPTHUB_LOG_LEVEL": "The lowest level that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`.",
    "PROMPTHUB_PACK_DEFAULTS": "Releases that packs run in this environment until somebody activates one, such as "
    "`@local/coach@1.4.0`. One that is not there, and a second one for a pack, stops the start.",
    "PROMPTHUB_PORT": "The port the server listens on.",
    "PROMPTHUB_PROVIDER_PORT": "Where the provider of `make run` listens.",
    "PROMPTHUB_RECOVERY_PER_SECOND": "Remote objects of one provider that are turned to in a second when it is back "
    "after an outage.",
    "PROMPTHUB_REFINE": "Whether prompts can be refined with AI at all.",
    "PROMPTHUB_SECRET_KEY": "Signs sessions and forms. Any long random text.",
    "PROMPTHUB_STATE_DIR": "Holds database and keys of the embedded edition; one server at a time.",
    "PROMPTHUB_SWEEP_SECONDS": "How often workers look for work that no message told them of.",
    "PROMPTHUB_TRUSTED_ORIGINS": "Origins, `https://…`, whose forms are accepted beside the site's own.",
    "PROMPTHUB_WORKER_METRICS_PORT": "Where a worker serves `/metrics`; 0 for nowhere.",
    "REDIS_URL": "Where all processes count calls together, `redis://…`. Empty: each counts for itself.",
    "SENTRY_DSN": "Where surprises are reported, without secrets and texts.",
}
