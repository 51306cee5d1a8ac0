"""The safeguards of the registry and of reading."""

from __future__ import annotations

from tests.sabotage.cuts import Cut, Safeguard

SAFEGUARDS = (
    Safeguard(
        "nobody approves their own",
        (Cut("registry/reviews.py", "        if pending.hands(actor=by) & set(row.makers):\n", "        if False:\n"),),
        "tests/unit/registry/test_reviews.py::test_nobody_approves_their_own_not_even_a_superuser",
    ),
    Safeguard(
        "a token is the hand of its issuer",
        (Cut("registry/pending.py", "    if actor.kind is ActorKind.TOKEN:\n", "    if False:\n"),),
        "tests/unit/registry/test_hands.py::test_a_token_is_the_hand_of_its_account_and_of_who_issued_it",
    ),
    Safeguard(
        "a chain of tokens is the hand of whoever began it",
        (Cut("registry/pending.py", "        token = issuer\n", "        return found\n"),),
        "tests/unit/registry/test_hands.py::test_a_chain_of_tokens_is_the_hand_of_whoever_began_it",
    ),
    Safeguard(
        "whoever changes a proposal makes it",
        (Cut("registry/reviews.py", "sorted(hands.union(row.makers))", "row.makers"),),
        "tests/unit/registry/test_hands.py::test_whoever_changed_a_proposal_has_made_it_too",
    ),
    Safeguard(
        "what waits is of the account that asked for it",
        (
            Cut(
                "registry/pending.py",
                "    return frozenset(key for key, asker in askers.items() if asker in mine)\n",
                "    return frozenset(askers)\n",
            ),
        ),
        "tests/unit/registry/test_hands.py"
        "::test_a_token_of_the_same_issuer_neither_changes_nor_takes_back_what_another_asked_for",
    ),
    Safeguard(
        "to take back what waits is to write",
        (
            Cut(
                "registry/pending.py",
                "next((one for one in enough if policy.can(by, one, project)), enough[-1])",
                "Permission.VIEW",
            ),
        ),
        "tests/unit/registry/test_hands.py"
        "::test_what_is_scheduled_on_a_locked_channel_is_taken_back_with_the_scope_deploy_alone",
    ),
    Safeguard(
        "a channel that was moved and moved back was moved",
        (
            Cut(
                "registry/pending.py",
                "    moves = activation.channel.last_ordinal - activation.seen_ordinal\n",
                "    moves = int(activation.channel.release_id != activation.previous_id)\n",
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
                "read(release=release, name=name, actor=actor, at=at, values=own)\n",
                "read(release=_opened(pack, actor, key, segments), name=name, actor=actor, at=at, values=own)\n",
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
