"""PostgreSQL and Redis for tests, started from binaries found on the machine or in wheels; no Docker.

    with postgres() as database, redis() as broker:
        os.environ |= {"DATABASE_URL": database.url, "CELERY_BROKER_URL": broker.url}
        broker.kill()
        broker.restart()

Both listen on a free port of the loopback, keep the port over a restart, and are gone with their files at the
end of the block. Starting takes about a second.
"""

from tests.services.postgresql import Postgres, postgres
from tests.services.process import Service, free_port
from tests.services.redis_server import Redis, redis

__all__ = ["Postgres", "Redis", "Service", "free_port", "postgres", "redis"]
