"""The README's five minutes, run as they are written: against the server, with the provider in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from standardwebhooks import Webhook

from tests.services import free_port
from tests.services.product import Product

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not settings.EMBEDDED, reason="the README describes the embedded edition"),
]


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """What the walk printed and what the provider holds after it."""
    folder, provider = tmp_path_factory.mktemp("readme"), free_port()
    with Product(folder, provider=provider) as product:
        script = "set -eu\n" + "\n".join(BLOCKS.findall((ROOT / "README.md").read_text(encoding="utf-8")))
        held = f"http://127.0.0.1:{provider}"
        environment = {**os.environ, "HUB": product.url, "PROVIDER": held, "STATE": str(folder)}
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        with urllib.request.urlopen(f"{held}/prompts", timeout=10) as answer:
            return done, json.load(answer)


def test_every_command_succeeds(walk):
    done, _ = walk
    assert done.returncode == 0, done.stderr


def test_a_wrong_variable_is_refused_where_it_stands(walk):
    done, _ = walk
    assert '"code":"422.variables_invalid"' in done.stdout
    assert '"pointer":"/variables/tone"' in done.stdout


def test_the_provider_runs_each_published_text_in_turn_and_the_first_after_the_rollback(walk):
    done, _ = walk
    assert re.findall(r"^You answer the phone for Acme\. Be (\w+)\.$", done.stdout, re.MULTILINE) == [
        "warm",
        "brisk",
        "warm",
    ]


def test_the_same_publish_again_is_the_same_version(walk):
    done, _ = walk
    assert "the same publish again is the same version" in done.stdout


def test_a_second_publisher_gets_the_conflict_and_may_confirm(walk):
    done, _ = walk
    assert '"code":"409.version_conflict"' in done.stdout


def test_what_the_provider_holds_is_the_sealed_text_signed_by_standard_webhooks(walk):
    done, held = walk
    assert done.returncode == 0
    last = held["walk"]
    headers = {name.lower(): value for name, value in last["headers"].items()}
    message = Webhook(SECRET).verify(last["body"], headers)
    assert message["data"]["text"] == last["text"] == "You answer the phone for Acme. Be warm."
