"""What the lock file's reference says about signatures is enough to verify one without PromptHub."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

import contracts
from registry import bundles, signing
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

REFERENCE = Path(contracts.__file__).parents[1] / "docs" / "reference" / "lock-file.md"


@pytest.fixture
def verify():
    """The function of the reference."""
    [code] = re.findall(r"```python\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    found = {}
    exec(compile(code, REFERENCE.name, "exec"), found)
    return found["verify"]


@pytest.fixture
def release(world):
    bundle = bundles.create(project=world.project, slug="onboarding", by=SYSTEM, at=AT)
    texts = {"welcome": "Grüß Gott.", "styles/calm": "Calm."}
    return cut_release(bundle, "1.0.0", texts, compatibility={"models": ["größer"], "engine": "2"})


def test_a_signature_is_verified_by_what_the_reference_says(admin, release, verify):
    path = "projects/prompts/bundles/onboarding/releases/1.0.0"
    manifest, signed = admin.get(f"{path}/manifest").json(), admin.get(f"{path}/signatures").json()
    signing.rotate(by=SYSTEM, at=AT)
    keys = admin.get("keys?retired=true").json()["keys"]
    assert verify(manifest, signed["signatures"], keys) == release.digest == signed["digest"]
    with pytest.raises(InvalidSignature):
        verify({**manifest, "version": "1.0.1"}, signed["signatures"], keys)
    with pytest.raises(LookupError):
        verify(manifest, signed["signatures"], admin.get("keys").json()["keys"])
