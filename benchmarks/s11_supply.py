"""S11: ``check --deploy``, bandit, and the hashes of everything that is installed.

python -m benchmarks.s11_supply
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import report
from benchmarks.verdict import ROOT

BIN = Path(sys.executable).parent


def deployment() -> int:
    """What Django has against the settings of a large installation."""
    production = {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "DATABASE_URL": "postgresql://prompthub@db.internal/prompthub",
        "CELERY_BROKER_URL": "redis://redis.internal/0",
        "REDIS_URL": "redis://redis.internal/0",
        "PROMPTHUB_SECRET_KEY": secrets.token_urlsafe(50),
        "PROMPTHUB_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PROMPTHUB_ALLOWED_HOSTS": "hub.example.com",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "DEBUG"]
    done = subprocess.run(command, cwd=ROOT, env=production, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode == 0 and "no issues" in said:
        return 0
    print(said)
    found = re.search(r"identified (\d+) issue", said)
    return int(found[1]) if found else 1


def smells() -> tuple[int, int]:
    """Bandit's findings in the product, and how many lines it read."""
    command = [str(BIN / "bandit"), "--quiet", "--recursive", "--configfile", "pyproject.toml", "--format", "json", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout[done.stdout.index("{") :])
    for one in told["results"]:
        print(f"  {one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}")
    return len(told["results"]) + len(told["errors"]), told["metrics"]["_totals"]["loc"]


def pins() -> tuple[int, int]:
    """How many requirements there are, and how many of them are pinned by version and hash."""
    wanted = pinned = 0
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
            if line.strip() and not line.strip().startswith("#"):
                wanted += 1
                good = "==" in line and "--hash=sha256:" in line
                pinned += good
                if not good:
                    print(f"  {path.name}: {line.strip()[:100]}")
    return wanted, pinned


def main() -> int:
    """Measure and judge; 1 when a floor is missed."""
    found, lines = smells()
    wanted, pinned = pins()
    met = [
        report("S11 check --deploy", 0, deployment(), higher_is_better=False, unit="findings"),
        report("S11 lines read by bandit", 5_000, lines, unit=""),
        report("S11 bandit", 0, found, higher_is_better=False, unit="findings"),
        report("S11 pinned by hash", 100, 100 * pinned / max(1, wanted), unit=f"% of {wanted}"),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
