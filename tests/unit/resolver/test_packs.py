"""System prompts and styles, always of one release (seed 001)."""

from __future__ import annotations

import pytest

from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.errors import Invalid, NotFound
from prompthub_kernel.resolution import ResolveRequest
from registry import packs as registered
from resolver import packs, resolve
from tests.factories import make_bundle
from tests.factories.acting import AT
from tests.factories.shelf import cut_release, point

pytestmark = pytest.mark.django_db
PACK = BundleAddress.parse("@local/coach")


@pytest.fixture
def pack(project):
    return make_bundle(project=project, slug="coach", kind="pack")


@pytest.fixture
def old(pack):
    return cut_release(pack, "1.0.0", {"system": "System 1", "styles/calm": "Calm 1"})


@pytest.fixture
def new(pack, old):
    texts = {"system": "System 2", "styles/calm": "Calm 2", "styles/brisk": "Brisk 2 {{ name }}"}
    schema = {"properties": {"name": {"type": "string"}}}
    return cut_release(pack, "2.0.0", texts, schema=schema, compatibility={"models": ["gpt-4"]})


@pytest.fixture
def active(pack, old, new):
    return point(pack, "active", new)


def test_the_active_release_is_what_is_read(active, pack, old, reader):
    assert packs.get_system_prompt(pack=PACK, actor=reader, at=AT).text == "System 2"
    assert packs.get_style_prompt(pack=PACK, style="calm", actor=reader, at=AT).text == "Calm 2"
    point(pack, "active", old)
    assert packs.get_system_prompt(pack=PACK, actor=reader, at=AT).text == "System 1"
    assert packs.get_style_prompt(pack=PACK, style="calm", actor=reader, at=AT).text == "Calm 1"


def test_environments_run_releases_of_their_own(active, pack, old, reader, settings):
    point(pack, "active@staging", old)
    staging = BundleAddress.parse("@local/coach@active@staging")
    assert packs.get_system_prompt(pack=staging, actor=reader, at=AT).version == "1.0.0"
    settings.PACKS = {**settings.PACKS, "environment": "staging"}
    assert packs.get_system_prompt(pack=PACK, actor=reader, at=AT).version == "1.0.0"
    assert packs.get_system_prompt(
        pack=BundleAddress.parse("@local/coach@active"), actor=reader, at=AT
    ).version == "2.0.0"  # fmt: skip


def test_a_stack_says_exactly_which_release_it_is_of(active, new, reader):
    stack = packs.stack(pack=PACK, style="brisk", values={"name": "Ada"}, actor=reader, at=AT)
    assert (str(stack.pack), stack.version, stack.release) == ("@local/coach@2.0.0", "2.0.0", new.digest)
    assert stack.compatibility == {"models": ["gpt-4"]}
    assert (stack.system.text, stack.style.text) == ("System 2", "Brisk 2 Ada")


def test_a_stack_without_a_style_has_none(active, reader):
    assert packs.stack(pack=PACK, actor=reader, at=AT).style is None


def test_a_style_that_is_not_there_is_refused_with_those_that_are(active, reader):
    with pytest.raises(Invalid) as refusal:
        packs.get_style_prompt(pack=PACK, style="harsh", actor=reader, at=AT)
    assert refusal.value.code == "422.style_unsupported"
    assert refusal.value.context == {"styles": ["brisk", "calm"]}


def test_before_anything_was_activated_there_is_nothing(new, reader):
    with pytest.raises(NotFound) as refusal:
        packs.get_system_prompt(pack=PACK, actor=reader, at=AT)
    assert refusal.value.code == "404.channel_not_found"


def test_then_the_default_of_the_environment_stands_in(new, reader, settings):
    settings.PACKS = {"environment": "", "defaults": ["@local/coach@1.0.0"]}
    found = packs.get_system_prompt(pack=PACK, actor=reader, at=AT)
    assert (found.version, found.warnings) == ("1.0.0", ())


def test_a_default_that_names_no_release_is_never_silent(pack, old, new, reader, settings):
    from registry.models import Activation

    channel = point(pack, "active@staging", old)
    Activation.objects.create(
        channel=channel, ordinal=1, state="active", release=old, at=AT, active_at=AT, by="x", by_label="x",
        correlation_id="x", policy="live",
    )  # fmt: skip
    settings.PACKS = {"environment": "", "defaults": ["@local/coach@9.9.9"]}
    stack = packs.stack(pack=PACK, actor=reader, at=AT)
    assert stack.version == "1.0.0"
    [warned] = stack.warnings
    assert warned.code == "default_unknown"
    assert "9.9.9" in warned.message


@pytest.mark.parametrize("environment", ["", "prod"])
def test_whoever_asks_by_address_is_told_the_same(pack, old, new, reader, settings, environment):
    settings.PACKS = {"environment": environment, "defaults": ["@local/coach@1.0.0"]}
    channel = f"active@{environment}" if environment else "active"
    address = f"@local/coach@{channel}"
    asked = packs.get_system_prompt(pack=PACK, actor=reader, at=AT)
    request = ResolveRequest(address=Address.parse(f"{address}/system"))
    found = resolve.resolve(request=request, actor=reader, at=AT)
    release = resolve.opened(address=BundleAddress.parse(address), actor=reader)
    whole = resolve.whole(release=release, actor=reader, at=AT)
    assert found.text == asked.text == whole.prompts["system"].text == "System 1"
    assert found.address == "@local/coach@1.0.0/system"
    elsewhere = ResolveRequest(address=Address.parse("@local/coach@active@lab/system"))
    assert resolve.explain(request=elsewhere, actor=reader).error.code == "404.channel_not_found"
    settings.PACKS = {"environment": environment, "defaults": []}
    assert resolve.explain(request=request, actor=reader).error.code == "404.channel_not_found"


def test_a_set_of_prompts_has_no_default(bundle, reader, settings):
    settings.PACKS = {"environment": "", "defaults": ["@local/onboarding@1.0.0"]}
    cut_release(bundle, "1.0.0", {"system": "No pack."})
    request = ResolveRequest(address=Address.parse("@local/onboarding@active/system"))
    assert resolve.explain(request=request, actor=reader).error.code == "404.channel_not_found"


def test_a_default_that_names_no_release_is_told_to_whoever_asks_by_address(pack, old, reader, settings, system):
    registered.activate(pack=pack, to="1.0.0", environment="staging", by=system, at=AT)
    settings.PACKS = {"environment": "", "defaults": ["@local/coach@9.9.9"]}
    request = ResolveRequest(address=Address.parse("@local/coach@active/system"))
    [warned] = resolve.resolve(request=request, actor=reader, at=AT).warnings
    assert (warned.code, "9.9.9" in warned.message) == ("default_unknown", True)


def test_another_channel_that_points_nowhere_is_an_error(active, reader):
    with pytest.raises(NotFound) as refusal:
        packs.get_system_prompt(pack=BundleAddress.parse("@local/coach@beta"), actor=reader, at=AT)
    assert refusal.value.code == "404.channel_not_found"
