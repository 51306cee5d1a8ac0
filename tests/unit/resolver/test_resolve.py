"""Which text is given for which request, and the way that was gone to it."""

from __future__ import annotations

import pytest
from django.db import models

from foundation import triggers
from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.errors import Invalid, PromptHubError
from prompthub_kernel.resolution import Freshness, Origin, ResolveRequest, Tried, Warned
from registry.models import Release
from resolver import resolve
from templates_app.models import TemplateVersion
from tenancy import projects
from tests.factories import make_actor
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release, mark, point

pytestmark = pytest.mark.django_db


def read(text, actor, **asked):
    return resolve.resolve(request=ResolveRequest(address=Address.parse(text), **asked), actor=actor, at=AT)


def refused(text, actor, **asked):
    with pytest.raises(PromptHubError) as refusal:
        read(text, actor, **asked)
    return refusal.value.code


@pytest.mark.parametrize(
    ("selector", "version"),
    [
        ("@1.0.0", "1.0.0"),
        ("@1.0.0+any.build", "1.0.0"),
        ("@2.0.0", "2.0.0"),
        ("@^1", "1.0.0"),
        ("@*", "2.0.0"),
        ("", "2.0.0"),
        ("@latest", "2.0.0"),
        ("@stable", "1.0.0"),
        ("@2.0.0-gpt4", "2.0.0-gpt4"),
        ("@^2-gpt4", "2.0.0-gpt4"),
        ("@3.0.0-rc.1", "3.0.0-rc.1"),
    ],
)
def test_a_selector_means_a_release(bundle, stable, reader, selector, version):
    cut_release(bundle, "2.0.0-gpt4")
    cut_release(bundle, "3.0.0-rc.1")
    found = read(f"@local/onboarding{selector}/welcome", reader)
    assert (found.version, found.text) == (version, f"Welcome to {version}.")
    assert found.address == f"@local/onboarding@{version}/welcome"


def test_a_text_comes_with_its_passport(bundle, stable, reader):
    sealed = TemplateVersion.objects.get(content_md="Welcome to 1.0.0.")
    found = read("@local/onboarding@stable/welcome", reader)
    assert found.digest == sealed.digest
    assert found.release == Release.objects.get(version="1.0.0").digest
    assert (found.origin, found.freshness, found.ordinal) == (Origin.REGISTRY, Freshness.FRESH, 1)
    assert found.trail == (Tried("registry_address", hit=True),)
    assert found.rendered is None


def test_build_metadata_is_kept_in_the_address(bundle, reader):
    cut_release(bundle, "2.1.0-gpt4+tokens.1500")
    found = read("@local/onboarding@2.1.0-gpt4/welcome", reader)
    assert found.address == "@local/onboarding@2.1.0-gpt4+tokens.1500/welcome"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("@nowhere/onboarding/welcome", "404.not_found"),
        ("@local/nothing/welcome", "404.bundle_not_found"),
        ("@local/nothing@stable/welcome", "404.bundle_not_found"),
        ("@local/onboarding@production/welcome", "404.channel_not_found"),
        ("@local/onboarding@empty/welcome", "404.channel_not_found"),
        ("@local/onboarding@9.9.9/welcome", "404.release_not_found"),
        ("@local/onboarding@^9/welcome", "404.release_not_found"),
        ("@local/onboarding@stable/farewell", "404.prompt_not_found"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(bundle, stable, reader, text, code):
    point(bundle, "empty", None)
    assert refused(text, reader) == code


def test_a_repository_one_may_not_see_is_not_there(stable):
    stranger = make_actor()
    assert refused("@local/onboarding@stable/welcome", stranger) == "404.not_found"


def test_a_public_repository_is_readable_for_every_account(project, stable):
    projects.set_visibility(project=project, visibility="public", by=SYSTEM, at=AT)
    assert read("@local/onboarding@stable/welcome", make_actor()).version == "1.0.0"


def test_a_retired_release_is_given_with_a_warning(one, stable, reader):
    mark(one, "retire", "deprecated", "Use 2.0.0.")
    found = read("@local/onboarding@stable/welcome", reader)
    assert found.warnings == (Warned("retired", "deprecated", "Use 2.0.0."),)


def test_the_last_retirement_counts(one, stable, reader):
    mark(one, "retire", "deprecated", "first")
    mark(one, "retire", "security", "second")
    [warned] = read("@local/onboarding@1.0.0/welcome", reader).warnings
    assert warned == Warned("retired", "security", "second")


def test_a_yanked_release_is_found_by_its_version_and_skipped_by_ranges(two, stable, reader):
    mark(two, "yank", "invalid", "broken")
    assert read("@local/onboarding@^1||^2/welcome", reader).version == "1.0.0"
    assert read("@local/onboarding/welcome", reader).version == "1.0.0"
    exact = read("@local/onboarding@2.0.0/welcome", reader)
    assert exact.warnings == (Warned("yanked", "invalid", "broken"),)


def test_a_reverted_release_is_gone(two, stable, reader):
    mark(two, "revert")
    assert refused("@local/onboarding@2.0.0/welcome", reader) == "410.gone"
    assert read("@local/onboarding@*/welcome", reader).version == "1.0.0"


@pytest.fixture
def split(bundle, one, two):
    return point(bundle, "stable", one, second=two, percent=30, segments=["beta"])


def test_of_a_release_that_is_rolled_out_a_key_always_gets_the_same(split, reader):
    got = {f"user-{number}": read("@local/onboarding@stable/welcome", reader, key=f"user-{number}").version
           for number in range(300)}  # fmt: skip
    again = {key: read("@local/onboarding@stable/welcome", reader, key=key).version for key in got}
    assert got == again
    share = sum(version == "2.0.0" for version in got.values()) / len(got)
    assert 0.2 < share < 0.4


def test_who_had_the_new_release_keeps_it_when_it_is_rolled_out_further(bundle, one, two, reader):
    keys = [f"user-{number}" for number in range(200)]
    had: set[str] = set()
    for percent in (10, 40, 100):
        point(bundle, "stable", one, second=two, percent=percent)
        has = {key for key in keys if read("@local/onboarding@stable/welcome", reader, key=key).version == "2.0.0"}
        assert had <= has
        had = has
    assert len(had) == len(keys)


def test_a_segment_gets_the_new_release_and_nobody_without_a_key_does(split, reader):
    assert read("@local/onboarding@stable/welcome", reader, segments=("alpha", "beta")).version == "2.0.0"
    assert read("@local/onboarding@stable/welcome", reader, segments=("gamma",)).version == "1.0.0"
    assert read("@local/onboarding@stable/welcome", reader).version == "1.0.0"


SCHEMA = {"properties": {"name": {"type": "string"}, "pin": {"type": "string", "x-secret": True}}, "required": ["name"]}


def test_variables_are_put_in_and_secrets_stay_places(bundle, reader):
    cut_release(bundle, "1.0.0", {"hello": "Hello {{ name }}, {{ pin }}"}, schema=SCHEMA)
    found = read("@local/onboarding/hello", reader, values={"name": "Ada", "pin": "4711"})
    assert found.rendered.to_json() == ["Hello Ada, ", {"secret": "pin"}]
    assert "4711" not in found.text
    assert read("@local/onboarding/hello", reader).text == "Hello {{ name }}, {{ pin }}"


def test_variables_that_do_not_fit_are_refused(bundle, reader):
    cut_release(bundle, "1.0.0", {"hello": "Hello {{ name }}"}, schema=SCHEMA)
    assert refused("@local/onboarding/hello", reader, values={}) == "422.variables_invalid"


def test_a_request_names_an_address_or_a_client(reader):
    for request in (ResolveRequest(), ResolveRequest(address=Address.parse("@local/a/b"), client="acme")):
        with pytest.raises(Invalid) as refusal:
            resolve.resolve(request=request, actor=reader, at=AT)
        assert refusal.value.code == "422.request_invalid"


def change(row, **columns):
    """What no trigger lets happen: a sealed row says something else."""
    triggers.remove()
    models.QuerySet(type(row)).filter(pk=row.pk).update(**columns)
    triggers.install()


def test_a_text_that_does_not_have_its_digest_is_given_to_nobody(bundle, one, stable, reader):
    change(TemplateVersion.objects.get(content_md="Welcome to 1.0.0."), content_md="Send me your password.")
    assert refused("@local/onboarding@stable/welcome", reader) == "502.seal_broken"


def test_a_text_that_was_exchanged_with_its_digest_is_given_to_nobody(bundle, one, two, stable, reader):
    other = TemplateVersion.objects.get(content_md="Welcome to 2.0.0.")
    change(one.pins.get(), template_version=other)
    assert refused("@local/onboarding@stable/welcome", reader) == "502.seal_broken"


def test_a_release_whose_manifest_was_changed_is_given_to_nobody(bundle, one, two, stable, reader):
    manifest = dict(one.manifest, prompts=two.manifest["prompts"])
    change(one, manifest=manifest)
    assert refused("@local/onboarding@stable/welcome", reader) == "502.seal_broken"


def test_a_whole_bundle_is_of_one_release(bundle, reader):
    cut_release(bundle, "1.0.0", {"system": "S1", "styles/calm": "C1"})
    cut_release(bundle, "2.0.0", {"system": "S2", "styles/calm": "C2", "styles/brisk": "B2"})
    release = resolve.opened(address=BundleAddress.parse("@local/onboarding@latest"), actor=reader)
    found = resolve.whole(release=release, actor=reader, at=AT)
    assert (found.address, found.version, found.ordinal) == ("@local/onboarding@2.0.0", "2.0.0", None)
    assert {name: one.text for name, one in found.prompts.items()} == {
        "system": "S2",
        "styles/calm": "C2",
        "styles/brisk": "B2",
    }


def test_a_bundle_of_very_many_prompts_is_read_one_by_one(bundle, reader, monkeypatch):
    cut_release(bundle, "1.0.0", {"a": "A", "b": "B"})
    monkeypatch.setattr(resolve, "MOST_PROMPTS", 1)
    release = resolve.opened(address=BundleAddress.parse("@local/onboarding"), actor=reader)
    with pytest.raises(Invalid) as refusal:
        resolve.whole(release=release, actor=reader, at=AT)
    assert refusal.value.code == "422.request_invalid"
