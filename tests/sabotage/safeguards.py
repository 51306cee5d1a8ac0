"""The safeguards, how each is taken away, and the test that must notice.

A cut is an exact piece of source that stands exactly once in its file, and what stands there instead. When code
moves on, ``test_safeguards.py`` fails until the cut is written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cut:
    """``text`` in the file at ``path`` becomes ``instead``."""

    path: str
    text: str
    instead: str

    def applied(self, root: Path) -> str:
        """The file's source with the cut made. Raises LookupError unless the text is there exactly once."""
        source = (root / self.path).read_text(encoding="utf-8")
        found = source.count(self.text)
        if found != 1:
            raise LookupError(f"{self.path}: found {found} times, not once:\n{self.text}")
        return source.replace(self.text, self.instead)


@dataclass(frozen=True, slots=True)
class Safeguard:
    """What is taken away, and the test (a pytest node id) that must turn red without it."""

    name: str
    cuts: tuple[Cut, ...]
    test: str


SAFEGUARDS = (
    Safeguard(
        "the epoch fence of results",
        (
            Cut(
                "publishing/lanes.py",
                "    return _mine(lease).select_for_update(no_key=True).exists()\n",
                "    return True\n",
            ),
        ),
        "tests/faults/test_rows_leases.py::test_row_07_a_result_under_an_old_epoch_is_not_written",
    ),
    Safeguard(
        "the epoch fence of calls",
        (
            Cut(
                "publishing/lanes.py",
                "    return Lane.objects.filter(pk=lease.lane_id, epoch=lease.epoch, owner=lease.owner)\n",
                "    return Lane.objects.filter(pk=lease.lane_id)\n",
            ),
        ),
        "tests/faults/test_rows_leases.py::test_row_07_a_worker_that_slept_past_its_lease_before_the_call_sends_nothing",
    ),
    Safeguard(
        "the idempotency row",
        (
            Cut(
                "foundation/idempotency.py",
                "    IdempotencyKey.objects.bulk_create(\n"
                "        [IdempotencyKey(actor=actor, key=key, request_digest=request_digest, created_at=at)], "
                "ignore_conflicts=True\n"
                "    )\n",
                "    return None\n",
            ),
        ),
        "tests/integration/gateway/test_publishing.py"
        "::test_a_key_that_was_used_answers_the_same_without_doing_it_again",
    ),
    Safeguard(
        "the permission filter of listings",
        (Cut("tenancy/policy.py", "    if actor.is_system:\n        return everything\n", "    return everything\n"),),
        "tests/unit/tenancy/test_policy.py::test_visible_lists_exactly_the_places_where_can_says_yes",
    ),
    Safeguard(
        "the permission asked by every verb",
        (Cut("tenancy/policy.py", "    if actor.is_system:\n        return True\n", "    return True\n"),),
        "tests/unit/tenancy/test_policy.py::test_a_role_gives_exactly_its_permissions_at_its_place_only",
    ),
    Safeguard(
        "the trigger of sealed tables",
        (
            Cut(
                "foundation/triggers.py",
                "                    cursor.execute(statement)\n",
                "                    pass\n",
            ),
        ),
        "tests/architecture/test_mutability.py::test_the_database_refuses_raw_sql_against_it",
    ),
    Safeguard(
        "the check of outgoing addresses",
        (
            Cut(
                "foundation/addresses.py",
                "    for number in numbers:\n        if is_public(number):\n            continue\n",
                "    for number in ():\n",
            ),
        ),
        "tests/hostile/test_egress.py::test_a_name_with_one_forbidden_address_leads_to_no_connection",
    ),
    Safeguard(
        "newest wins, when publishing",
        (
            Cut(
                "publishing/deliveries.py",
                "closing.end(rows=Delivery.objects.filter(placement__in=placed, ordinal__lte=publication.ordinal))",
                "",
            ),
            Cut(
                "publishing/deliveries.py",
                "        if newest is None or newest.pk == due.pk:\n",
                "        if True:\n",
            ),
        ),
        "tests/faults/test_rows_workers.py::test_row_06_an_old_retry_is_superseded_by_a_newer_version_and_never_sent",
    ),
    Safeguard(
        "newest wins, when sending",
        (
            Cut(
                "publishing/deliveries.py",
                "        if newest is None or newest.pk == due.pk:\n",
                "        if True:\n",
            ),
        ),
        "tests/faults/test_rows_workers.py"
        "::test_row_06_a_failing_delivery_that_a_newer_one_overtook_is_not_tried_again",
    ),
    Safeguard(
        "the budget of templates",
        (
            Cut(
                "prompthub_kernel/budget.py",
                '            raise BudgetSpent(f"the template takes more than {MAX_TICKS} steps")\n',
                "            return\n",
            ),
        ),
        "tests/hostile/test_templates.py::test_the_problem_says_on_which_line_a_template_was_stopped",
    ),
    Safeguard(
        "the right a page declares",
        (
            Cut(
                "portal/access.py",
                "        if wanted is not None and wanted not in self.permitted:\n",
                "        if False:\n",
            ),
        ),
        "tests/hostile/test_rights_matrix_portal.py"
        "::test_each_may_do_what_they_may_at_their_own_and_find_nothing_at_a_foreign_client",
    ),
    Safeguard(
        "a suggestion is its prompt's own",
        (Cut("portal/views/refine.py", "        if row.instance_id != self.instance.pk:\n", "        if False:\n"),),
        "tests/hostile/test_rights_matrix_portal.py"
        "::test_a_row_of_another_prompt_or_target_of_the_same_client_is_not_found_here",
    ),
    Safeguard(
        "forms come from the portal",
        (Cut("prompthub/settings.py", '    "django.middleware.csrf.CsrfViewMiddleware",\n', ""),),
        "tests/hostile/test_portal.py::test_a_form_of_another_site_does_nothing",
    ),
    Safeguard(
        "a typed secret is not shown again",
        (Cut("portal/forms/schema_fields.py", "render_value=False", "render_value=True"),),
        "tests/hostile/test_secrets_in_pages.py::test_a_typed_secret_is_not_shown_again",
    ),
    Safeguard(
        "no cell is a formula",
        (
            Cut(
                "portal/presenters/exporting.py",
                '    return f"\'{cell}" if cell.startswith(FORMULA) else cell\n',
                "    return cell\n",
            ),
        ),
        "tests/hostile/test_portal.py::test_no_cell_of_a_file_is_calculated",
    ),
    Safeguard(
        "nobody approves their own",
        (Cut("registry/reviews.py", "        if pending.hands(actor=by) & set(row.makers):\n", "        if False:\n"),),
        "tests/unit/registry/test_reviews.py::test_nobody_approves_their_own_not_even_a_superuser",
    ),
    Safeguard(
        "a token is the hand of its issuer",
        (Cut("registry/pending.py", "    if actor.kind is ActorKind.TOKEN:\n", "    if False:\n"),),
        "tests/unit/registry/test_reviews.py::test_a_token_is_the_hand_of_its_account_and_of_who_issued_it",
    ),
    Safeguard(
        "a chain of tokens is the hand of whoever began it",
        (Cut("registry/pending.py", "        token = issuer\n", "        return found\n"),),
        "tests/unit/registry/test_reviews.py::test_a_chain_of_tokens_is_the_hand_of_whoever_began_it",
    ),
    Safeguard(
        "whoever changes a proposal makes it",
        (Cut("registry/reviews.py", "sorted(hands.union(row.makers))", "row.makers"),),
        "tests/unit/registry/test_reviews.py::test_whoever_changed_a_proposal_has_made_it_too",
    ),
    Safeguard(
        "a channel that was moved and moved back was moved",
        (
            Cut(
                "registry/pending.py",
                "    if activation.channel.last_ordinal != activation.seen_ordinal:\n",
                "    if activation.channel.release_id != activation.previous_id:\n",
            ),
        ),
        "tests/unit/registry/test_reviews.py"
        "::test_an_approval_after_moves_that_led_back_or_began_a_rollout_has_to_be_confirmed",
    ),
    Safeguard(
        "the right to move when it is due",
        (Cut("registry/schedules.py", "                _require_right(row, at)\n", ""),),
        "tests/unit/registry/test_schedules.py"
        "::test_a_move_whose_maker_may_no_longer_make_it_has_failed_and_names_them",
    ),
    Safeguard(
        "the review that no token skips",
        (
            Cut(
                "registry/channels.py",
                "        if channel.policy != Channel.Policy.LIVE:\n",
                "        if channel.policy != Channel.Policy.LIVE and by.kind is not ActorKind.TOKEN:\n",
            ),
        ),
        "tests/unit/registry/test_channels.py::test_a_channel_under_review_is_moved_by_nobody_at_once",
    ),
    Safeguard(
        "the lock that only deployments open",
        (
            Cut(
                "registry/channels.py",
                "        if by.kind is not ActorKind.TOKEN or Scope.DEPLOY not in (by.scopes or ()):\n",
                "        if not by.is_superuser:\n",
            ),
        ),
        "tests/unit/registry/test_channels.py"
        "::test_a_locked_channel_is_moved_by_a_deploy_token_with_a_reason_and_by_nobody_else",
    ),
    Safeguard(
        "approved is what was looked at",
        (Cut("registry/reviews.py", "    if row.revision != revision:\n", "    if False:\n"),),
        "tests/unit/registry/test_reviews.py::test_a_changed_proposal_is_not_the_one_that_was_looked_at",
    ),
    Safeguard(
        "a changed proposal is not approved",
        (
            Cut(
                "registry/reviews.py",
                "row.makers = S.PROPOSED, ",
                "row.makers = S(row.state), ",
            ),
        ),
        "tests/unit/registry/test_reviews.py::test_a_changed_proposal_loses_its_approval",
    ),
    Safeguard(
        "a channel has one writer",
        (
            Cut(
                "registry/rollouts.py",
                "    return channels.move(channel=channel, choose=None, by=by, at=at, reason=reason)\n",
                "    channel.release = None\n"
                "    return channels.move(channel=channel, choose=None, by=by, at=at, reason=reason)\n",
            ),
        ),
        "tests/architecture/test_pointers.py::test_a_pointer_has_one_writer",
    ),
    Safeguard(
        "a move is announced",
        (
            Cut(
                "registry/channels.py",
                '    broadcast.announce(topic="channel", key=f"{row.bundle_id}/{row.name}")\n',
                "",
            ),
        ),
        "tests/faults/test_rows_names.py::test_row_22_the_process_that_moved_a_name_reads_the_new_one_at_once",
    ),
    Safeguard(
        "the change counter of every second",
        (
            Cut(
                "resolver/cache.py",
                "        if not self.good(time.monotonic()):\n            self.catch_up()\n        remembered = ",
                "        if self._seen is None:\n            self.catch_up()\n        remembered = ",
            ),
        ),
        "tests/faults/test_rows_names.py::test_row_22_a_process_that_hears_nothing_reads_the_new_one_within_a_second",
    ),
    Safeguard(
        "one question to the database",
        (
            Cut(
                "resolver/cache.py",
                "            known = self._known(place, question)  # the first one was told, the others waited\n",
                "",
            ),
        ),
        "tests/faults/test_rows_names.py::test_row_23_everybody_asking_at_once_is_served_and_redis_is_not_needed",
    ),
    Safeguard(
        "due by the clock of the database",
        (Cut("registry/schedules.py", "due_at__lte=database_now())", "due_at__lte=at)"),),
        "tests/unit/registry/test_schedules.py::test_due_is_what_the_clock_of_the_database_says",
    ),
    Safeguard(
        "a move that is due is made once",
        (Cut("registry/schedules.py", "        if row.state != S.SCHEDULED or ", "        if "),),
        "tests/unit/registry/test_schedules.py::test_one_that_was_taken_up_by_another_worker_meanwhile_is_left",
    ),
    Safeguard(
        "a growing share moves nobody back",
        (
            Cut(
                "prompthub_kernel/rollout.py",
                "bucket(channel=channel, key=key) <",
                "bucket(channel=channel, key=f'{key}{percent}') <",
            ),
        ),
        "tests/property/test_rollout.py::test_raising_the_share_moves_nobody_back",
    ),
    Safeguard(
        "a default of a pack is there at the start",
        (Cut("prompthub/starting.py", "return _first_of([*CHECKS, *AT_START])", "return _first_of(CHECKS)"),),
        "tests/unit/prompthub/test_starting.py"
        "::test_a_default_of_a_pack_that_names_no_release_forbids_a_start_and_only_that",
    ),
    Safeguard(
        "a pack is read from one release",
        (
            Cut(
                "resolver/packs.py",
                "    chosen = None if style is None else _style(release, style, actor, at, values)\n",
                "    chosen = None if style is None else _style(_opened(pack, actor, key), style, actor, at, values)\n",
            ),
        ),
        "tests/integration/gateway/test_coach.py"
        "::test_a_session_is_of_one_release_though_the_pack_moves_while_it_begins",
    ),
    Safeguard(
        "the digest of a manifest",
        (Cut("registry/releases.py", "    if digest_of(paper=paper) != release.digest:\n", "    if False:\n"),),
        "tests/integration/gateway/test_releases.py::test_a_manifest_that_no_longer_has_its_digest_is_given_to_nobody",
    ),
    Safeguard(
        "the digest of a release that is locked",
        (Cut("registry/seals.py", "    if manifest.digest_of(paper=paper) != release.digest:\n", "    if False:\n"),),
        "tests/unit/registry/test_lockfiles.py"
        "::test_a_release_that_is_not_as_it_was_sealed_is_not_locked_and_verify_says_so",
    ),
    Safeguard(
        "the signature of a release that is locked",
        (
            Cut(
                "registry/seals.py",
                "    return [Problem(here, problem.code, problem.detail) for problem in found]\n",
                "    return found[:0]\n",
            ),
        ),
        "tests/unit/registry/test_lockfiles.py"
        "::test_a_release_that_is_not_as_it_was_sealed_is_not_locked_and_verify_says_so",
    ),
    Safeguard(
        "what is not as it was sealed is not locked",
        (Cut("registry/lockfiles.py", "    if wrong:\n", "    if False:\n"),),
        "tests/unit/registry/test_lockfiles.py"
        "::test_a_release_that_is_not_as_it_was_sealed_is_not_locked_and_verify_says_so",
    ),
    Safeguard(
        "the digest of a text that is verified",
        (
            Cut(
                "registry/lockfiles.py",
                "    found += [problem for problem in texts if problem.pointer not in known]\n",
                "",
            ),
        ),
        "tests/unit/registry/test_lockfiles.py::test_a_text_that_is_not_as_it_was_sealed_is_told_by_verify",
    ),
    Safeguard(
        "the digest of a text that is read",
        (
            Cut(
                "registry/names.py",
                "    if text is None or text.digest != wanted or not seals.intact(text=text):\n",
                "    if text is None:\n",
            ),
        ),
        "tests/unit/resolver/test_resolve.py::test_a_text_that_does_not_have_its_digest_is_given_to_nobody",
    ),
    Safeguard(
        "the digest in a lock file",
        (Cut("prompthub_kernel/lockfile.py", "    if locked.digest != served.digest:\n", "    if False:\n"),),
        "tests/integration/gateway/test_reading.py::test_a_lock_with_another_digest_is_told_at_its_place",
    ),
    Safeguard(
        "a bundle is of those who see its project",
        (
            Cut(
                "registry/bundles.py",
                "    if found is None or not policy.can(actor, Permission.VIEW, found.project):\n",
                "    if found is None:\n",
            ),
        ),
        "tests/unit/registry/test_bundles.py::test_of_foreign_bundles_nothing_is_seen_and_viewers_change_nothing",
    ),
    Safeguard(
        "a version is never used again",
        (
            Cut(
                "registry/releases.py",
                "    if present.marks.filter(kind=ReleaseMark.Kind.REVERT).exists():\n",
                "    if False:\n",
            ),
        ),
        "tests/unit/registry/test_releases.py::test_a_release_taken_back_within_the_hour_leaves_a_tombstone",
    ),
    Safeguard(
        "a name that moved is forgotten before the mover goes on",
        (Cut("resolver/apps.py", "        broadcast.listen(cache.catch_up)\n", "        del broadcast, cache\n"),),
        "tests/unit/resolver/test_cache.py::test_a_move_is_seen_at_once_by_the_process_that_made_it",
    ),
    Safeguard(
        "an answer that changed while it was asked for is not kept",
        (
            Cut(
                "resolver/cache.py",
                "            if forgotten == self._forgotten:  # nothing changed while the database was asked\n",
                "            if forgotten:\n",
            ),
        ),
        "tests/unit/resolver/test_cache.py::test_an_answer_that_changed_while_it_was_asked_for_is_not_kept",
    ),
    Safeguard(
        "a memory is relied on for a second",
        (Cut("resolver/cache.py", "        return now - self._looked_at <= GOOD_SECONDS\n", "        return True\n"),),
        "tests/unit/resolver/test_cache.py::test_a_memory_that_is_too_old_is_not_relied_on",
    ),
    Safeguard(
        "a token is remembered with the projects it may read",
        (Cut("gateway/hot.py", "            or kept.project not in reader.ids\n", ""),),
        "tests/integration/gateway/hot_reads/test_ways.py::test_a_token_reads_from_memory_what_it_may_read",
    ),
    Safeguard(
        "the epoch of rights ends what is remembered of tokens",
        (
            Cut(
                "gateway/kept.py",
                "            if epoch != self._epoch or len(self._known) > MOST_READERS:\n",
                "            if len(self._known) > MOST_READERS or not self._epoch:\n",
            ),
        ),
        "tests/integration/gateway/hot_reads/test_ways.py::test_a_revoked_token_is_refused",
    ),
)
