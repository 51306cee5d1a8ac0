"""The queue of reviews: what changes, whose it is, approved, rejected, changed and taken back."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry import channels, reviews
from registry.models import Activation
from tenancy import policy, tokens
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.portal.bench import actor_of, build_bench, channel_of, page_of
from tests.once import once

_built = once(build_bench)


@pytest.fixture
def bench(_built, db):
    return deepcopy(_built)


@pytest.fixture
def author(bench):
    return bench.person(Role.PUBLISHER, Role.REVIEWER, username="ben")


@pytest.fixture
def reviewer(bench):
    return bench.person(Role.REVIEWER, username="rita")


def propose(bench, author, to="1.0.0", **more):
    return reviews.propose(channel=bench.stable, to=to, by=actor_of(author), at=AT, **more)


def path_of(row, name=""):
    return f"/reviews/{row.pk}/{name}"


def test_a_move_under_review_is_proposed_and_waits(bench, author):
    path = bench.address("channel_move", channel="stable")
    assert "Nothing moves before somebody else has approved it." in page_of(author.get(path, {"to": "1.0.0"}))
    answer = author.post(path, {"to": "1.0.0", "expected": "2.0.0", "reason": "It was kinder"}, follow=True)
    html = page_of(answer)
    assert "Proposed. Somebody else has to approve it." in html
    assert "It was kinder" in html
    assert channel_of(bench, "stable").release.version == "2.0.0"
    assert Activation.objects.get(channel=bench.stable, state="proposed").by_label == "ben"
    assert author.post(path, {"to": "2.0.0", "expected": "2.0.0"}).status_code == 409
    slow = page_of(author.post(path, {"to": "1.0.0", "expected": "1.0.0"}), 409)
    assert "while you were looking. Nothing was done." in slow


def test_nobody_approves_their_own_and_the_page_says_so(bench, author):
    row = propose(bench, author)
    html = page_of(author.get(path_of(row)))
    assert "Nobody approves their own proposal: somebody else has to." in html
    assert "Approve: goes live now" in html
    assert author.post(path_of(row, "approve/"), {"revision": 1}).status_code == 403
    assert channel_of(bench, "stable").release.version == "2.0.0"


def test_somebody_else_looks_at_what_changes_and_approves(bench, author, reviewer):
    row = propose(bench, author, reason="It was kinder")
    html = page_of(reviewer.get("/reviews/"))
    assert path_of(row) in html
    assert "It was kinder" in html
    html = page_of(reviewer.get(path_of(row)))
    assert "This variable is new and may be left out." in html
    assert "<ins>" in html
    html = page_of(reviewer.post(path_of(row, "approve/"), {"revision": 1, "comment": "Yes."}, follow=True))
    assert "Approved: the channel was moved." in html
    assert "rita approved it" in html
    assert channel_of(bench, "stable").release.version == "1.0.0"
    assert "Nothing waits for you" in page_of(reviewer.get("/reviews/"))
    assert reviewer.post(path_of(row, "approve/"), {"revision": 1}).status_code == 409


def test_a_rejection_says_why(bench, author, reviewer):
    row = propose(bench, author)
    html = page_of(reviewer.post(path_of(row, "reject/"), {"revision": 1, "comment": " "}), 422)
    assert 'href="#id_comment"' in html
    html = page_of(reviewer.post(path_of(row, "reject/"), {"revision": 1, "comment": "Keep it."}, follow=True))
    assert "rita rejected it." in html
    assert "Keep it." in page_of(author.get(path_of(row)))
    assert reviewer.post(path_of(row, "reject/"), {"revision": "x"}).status_code == 422
    assert reviewer.post(path_of(row, "approve/"), {}).status_code == 422


def test_what_was_changed_while_somebody_looked_is_not_approved(bench, author, reviewer):
    row = propose(bench, author)
    bench.work.cut("2.0.1")
    given = {"to": "2.0.1", "revision": 1, "reason": "This one"}
    assert "Change the proposal" in page_of(author.get(path_of(row, "change/")))
    html = page_of(author.post(path_of(row, "change/"), given, follow=True))
    assert "It has to be approved as it is now." in html
    html = page_of(reviewer.post(path_of(row, "approve/"), {"revision": 1, "comment": "Yes."}), 409)
    assert "It was changed while you were looking, so nothing was decided." in html
    assert 'name="revision" value="2"' in html
    assert "Yes." in html
    page_of(reviewer.post(path_of(row, "approve/"), {"revision": 2}, follow=True))
    assert channel_of(bench, "stable").release.version == "2.0.1"


def test_a_changed_proposal_says_that_its_approval_is_gone(bench, author, reviewer):
    later = timezone.now() + timedelta(days=1)
    row = propose(bench, author, due_at=later)
    html = page_of(reviewer.post(path_of(row, "approve/"), {"revision": 1}, follow=True))
    assert "It is made when its time has come." in html
    assert "Changing it takes that approval away." in page_of(author.get(path_of(row, "change/")))
    given = {"to": "1.0.0", "revision": 1, "due_at": later.strftime("%Y-%m-%dT%H:%M"), "percent": "10"}
    html = page_of(author.post(path_of(row, "change/"), given, follow=True))
    assert "rita approved it before it was changed. That approval is gone" in html
    assert "10 % of the callers" in html
    assert path_of(row) in page_of(reviewer.get("/reviews/"))


def test_what_cannot_be_asked_for_instead_is_told(bench, author, reviewer):
    row = propose(bench, author)
    path = path_of(row, "change/")
    assert "points there already" in page_of(author.post(path, {"to": "2.0.0", "revision": 1}), 409)
    assert 'href="#id_percent"' in page_of(author.post(path, {"to": "1.0.0", "percent": "200"}), 422)
    assert reviewer.get(path).status_code == 403
    assert bench.person(Role.PUBLISHER).get(path).status_code == 403


def test_a_channel_that_moved_since_is_told_and_has_to_be_meant(bench, author, reviewer):
    bench.work.cut("2.0.1")
    row = propose(bench, author)
    other = propose(bench, author, to="2.0.1")
    reviewer.post(path_of(other, "approve/"), {"revision": 1})
    html = page_of(reviewer.get(path_of(row)))
    assert "The channel was moved to 2.0.1 since this was asked for." in html
    assert "Yes, from what is there now" in html
    assert "points at 2.0.1 now" in page_of(reviewer.post(path_of(row, "approve/"), {"revision": 1}), 409)
    page_of(reviewer.post(path_of(row, "approve/"), {"revision": 1, "confirm": "on"}, follow=True))
    assert channel_of(bench, "stable").release.version == "1.0.0"


def test_it_is_taken_back_by_whoever_asked_for_it(bench, author):
    row = propose(bench, author)
    assert path_of(row) in page_of(author.get("/reviews/", {"state": "mine"}))
    other = bench.person(Role.PUBLISHER)
    assert other.post(path_of(row, "withdraw/")).status_code == 403
    assert "It was taken back." in page_of(author.post(path_of(row, "withdraw/"), follow=True))
    assert "Nothing of yours waits" in page_of(author.get("/reviews/", {"state": "mine"}))


def test_what_a_token_asked_for_is_not_of_whoever_issued_it(bench):
    """They do not approve it; to change it and to take it back is for the account of the token."""
    issuer = bench.person(Role.PUBLISHER, username="ida")
    account = factories.make_user(superuser=True)
    get_user_model().objects.filter(pk=issuer.account.pk).update(is_superuser=True)
    _, secret = tokens.issue(name="nightly", account=account, scopes=("publish",), by=actor_of(issuer), at=AT)
    get_user_model().objects.filter(pk=issuer.account.pk).update(is_superuser=False)
    by = tokens.authenticate(presented=secret, at=AT)
    row = reviews.propose(channel=bench.stable, to="1.0.0", by=by, at=AT)
    policy.grant(role=Role.REVIEWER, place=bench.project, to=issuer.account, by=SYSTEM, at=AT)
    assert "Nobody approves their own proposal" in page_of(issuer.get(path_of(row)))
    assert "others propose something else" in page_of(issuer.get(path_of(row)))
    assert issuer.get(path_of(row, "change/")).status_code == 403
    policy.revoke(role=Role.REVIEWER, place=bench.project, to=issuer.account, by=SYSTEM, at=AT)
    waiting = bench.address("move_withdraw", channel="stable", activation=row.pk)
    for path in (path_of(row, "withdraw/"), waiting):
        assert issuer.post(path).status_code == 403
    assert Activation.objects.get(pk=row.pk).state == "proposed"


def test_whoever_may_no_longer_ask_for_it_does_not_take_it_back(bench, author):
    row = propose(bench, author)
    for role in (Role.PUBLISHER, Role.REVIEWER):
        policy.revoke(role=role, place=bench.project, to=author.account, by=SYSTEM, at=AT)
    policy.grant(role=Role.VIEWER, place=bench.project, to=author.account, by=SYSTEM, at=AT)
    assert author.post(path_of(row, "withdraw/")).status_code == 403
    assert Activation.objects.get(pk=row.pk).state == "proposed"


def test_proposals_of_others_projects_are_not_there(bench, author):
    row = propose(bench, author)
    stranger = bench.person(place=factories.make_project())
    assert "Nothing waits for you" in page_of(stranger.get("/reviews/"))
    for name in ("", "change/"):
        assert stranger.get(path_of(row, name)).status_code == 404
    for name in ("approve/", "reject/", "withdraw/", "change/"):
        given = {"revision": 1, "comment": "x", "to": "1.0.0"}
        assert stranger.post(path_of(row, name), given).status_code == 404


def test_more_proposals_cost_no_more_questions(bench, author, reviewer):
    asked = []
    for version in ("2.0.1", "2.0.2"):
        bench.work.cut(version)
        propose(bench, author, to=version)
        reviewer.get("/reviews/")
        with CaptureQueriesContext(connection) as queries:
            reviewer.get("/reviews/")
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 9


def test_a_rollback_under_review_is_a_proposal_too(bench, author):
    html = page_of(author.get(bench.address("channel_rollback", channel="stable")))
    assert "Propose 1.0.0" in html
    given = {"to": "1.0.0", "expected": "2.0.0"}
    page_of(author.post(bench.address("channel_rollback", channel="stable"), given, follow=True))
    assert Activation.objects.get(channel=bench.stable, state="proposed").release.version == "1.0.0"
    assert channels.history(channel=bench.stable).count() == 2
