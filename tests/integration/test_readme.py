"""The README's five minutes and the tutorial, run as they are written, with the provider in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.services import free_port
from tests.services.product import Product

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAME_NAMES = "date() { echo 1; }"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # the README describes the embedded edition


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """The installation that both pages walk through."""
    with Product(tmp_path_factory.mktemp("readme"), provider=free_port(), PROMPTHUB_DRIFT_SECONDS="2") as running:
        yield running


def walked(product, page, *, first="set -eu"):
    """A page's commands, run as they are written."""
    script = "\n".join([first, *BLOCKS.findall((ROOT / page).read_text(encoding="utf-8"))])
    environment = {**os.environ, "HUB": product.url, "PROVIDER": product.provider, "STATE": str(product.folder)}
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def walk(product):
    """What the walk printed and what the provider holds after it."""
    done = walked(product, "README.md", first=f"set -eu\n{SAME_NAMES}")
    with urllib.request.urlopen(f"{product.provider}/prompts", timeout=10) as answer:
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
    last = held["walk-1"]
    headers = {name.lower(): value for name, value in last["headers"].items()}
    message = Webhook(SECRET).verify(last["body"], headers)
    assert message["data"]["text"] == last["text"] == "You answer the phone for Acme. Be warm."


def test_the_walk_can_be_walked_again(product, walk):
    again = walked(product, "README.md")
    assert again.returncode == 0, again.stderr
    assert "the same publish again is the same version" in again.stdout


def test_names_that_are_taken_are_told_by_their_code_and_nothing_is_called_a_success(product, walk):
    taken = walked(product, "README.md", first=SAME_NAMES)
    assert "409.version_conflict" in taken.stderr
    assert "Traceback" not in taken.stderr
    assert "the same publish again" not in taken.stdout


@pytest.fixture(scope="module")
def tutorial(product):
    """What the tutorial printed."""
    return walked(product, "docs/tutorials/your-first-prompt.md")


def test_every_command_of_the_tutorial_succeeds(tutorial):
    assert tutorial.returncode == 0, tutorial.stderr


def test_the_tutorial_shows_what_it_says(tutorial):
    page = (ROOT / "docs/tutorials/your-first-prompt.md").read_text(encoding="utf-8")
    told = re.findall(r"^# (You answer .*)$", page, re.MULTILINE)
    assert re.findall(r"^You answer .*$", tutorial.stdout, re.MULTILINE) == told
    assert '{"ok":null,"problems":[],"results":[]}' in tutorial.stdout
    for code in ("400.template_schema_invalid", "502.adapter_publish_error_webhook"):
        assert f'"code":"{code}"' in tutorial.stdout


def test_the_tutorials_provider_fails_refuses_and_is_changed(tutorial):
    assert re.search(r'"attempts":\[.*"provider_status":503\}.*"outcome":"delivered"', tutorial.stdout)
    assert '"replay_of":"' in tutorial.stdout
    assert "Hang up at once." in tutorial.stdout


@pytest.fixture(scope="module")
def bundle_tutorial(product):
    """What the tutorial about bundles printed."""
    return walked(product, "docs/tutorials/your-first-bundle.md", first="set -eu -o pipefail")


def test_every_command_of_the_bundle_tutorial_succeeds(bundle_tutorial):
    assert bundle_tutorial.returncode == 0, bundle_tutorial.stderr


def test_the_bundle_tutorial_shows_what_it_says(bundle_tutorial):
    page = (ROOT / "docs/tutorials/your-first-bundle.md").read_text(encoding="utf-8")
    promised = re.findall(r"^# (.+)$", "\n".join(BLOCKS.findall(page)), re.MULTILINE)
    printed = [line for line in bundle_tutorial.stdout.splitlines() if line and not line.startswith("{")]
    assert printed == promised
    assert len(promised) >= 25
