"""A session of a coach keeps the release it began with (seed 001)."""

from __future__ import annotations

import uuid

import pytest

from assist import coach
from assist.models import CoachSession
from audit.models import AuditEvent
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Invalid, NotFound
from tenancy.policy import Role
from tests.factories import make_actor, make_bundle, make_project
from tests.factories.acting import AT
from tests.factories.shelf import cut_release, mark, point

pytestmark = pytest.mark.django_db
PACK = BundleAddress.parse("@local/coach")


@pytest.fixture
def project():
    return make_project(slug="local")


@pytest.fixture
def pack(project):
    return make_bundle(project=project, slug="coach", kind="pack")


@pytest.fixture
def releases(pack):
    return [
        cut_release(pack, f"{number}.0.0", {"system": f"System {number}", "styles/calm": f"Calm {number}"})
        for number in (1, 2)
    ]


@pytest.fixture
def active(pack, releases):
    return point(pack, "active", releases[0])


@pytest.fixture
def actor(project):
    return make_actor(roles={project: Role.VIEWER})


def test_a_session_begins_with_the_active_release_and_says_which(active, releases, actor):
    started = coach.start_session(pack=PACK, style="calm", by=actor, at=AT)
    assert started.session.release == releases[0]
    assert (started.stack.version, str(started.stack.pack)) == ("1.0.0", "@local/coach@1.0.0")
    assert (started.stack.system.text, started.stack.style.text) == ("System 1", "Calm 1")


def test_it_keeps_its_release_whatever_is_activated_meanwhile(active, pack, releases, actor):
    started = coach.start_session(pack=PACK, style="calm", by=actor, at=AT)
    point(pack, "active", releases[1])
    session = coach.get(key=started.session.pk, actor=actor)
    stack = coach.stack(session=session, actor=actor, at=AT)
    assert (stack.version, stack.system.text, stack.style.text) == ("1.0.0", "System 1", "Calm 1")
    assert coach.start_session(pack=PACK, by=actor, at=AT).stack.version == "2.0.0"


def test_a_session_may_choose_its_release_itself(active, actor):
    exact = BundleAddress.parse("@local/coach@2.0.0")
    assert coach.start_session(pack=exact, by=actor, at=AT).stack.version == "2.0.0"


def test_of_a_rollout_the_same_key_begins_with_the_same_release(pack, releases, actor):
    point(pack, "active", releases[0], second=releases[1], percent=50)
    begun = {key: coach.start_session(pack=PACK, by=actor, at=AT, key=key).stack.version for key in map(str, range(20))}
    again = {key: coach.start_session(pack=PACK, by=actor, at=AT, key=key).stack.version for key in begun}
    assert begun == again
    assert set(begun.values()) == {"1.0.0", "2.0.0"}


def test_the_beginning_is_in_the_ledger(active, releases, actor):
    session = coach.start_session(pack=PACK, by=actor, at=AT).session
    event = AuditEvent.objects.get(action="coach.session.start")
    assert (event.subject_id, event.metadata["release"]) == (str(session.pk), str(releases[0].pk))
    assert event.metadata["digest"] == releases[0].digest


def test_a_style_that_is_not_there_begins_nothing(active, actor):
    with pytest.raises(Invalid) as refusal:
        coach.start_session(pack=PACK, style="harsh", by=actor, at=AT)
    assert refusal.value.code == "422.style_unsupported"
    assert not CoachSession.objects.exists()


def test_who_may_not_see_the_pack_begins_nothing_and_finds_no_session(active, actor):
    session = coach.start_session(pack=PACK, by=actor, at=AT).session
    stranger = make_actor()
    with pytest.raises(NotFound):
        coach.start_session(pack=PACK, by=stranger, at=AT)
    for key in (session.pk, uuid.uuid4()):
        with pytest.raises(NotFound) as refusal:
            coach.get(key=key, actor=stranger)
        assert refusal.value.code == "404.not_found"


def test_a_session_of_a_release_that_was_taken_back_says_so(active, releases, actor):
    session = coach.start_session(pack=PACK, by=actor, at=AT).session
    mark(releases[0], "revert")
    with pytest.raises(NotFound) as refusal:
        coach.stack(session=coach.get(key=session.pk, actor=actor), actor=actor, at=AT)
    assert refusal.value.code == "410.gone"
