"""The safeguards, how each is taken away, and the test that must notice.

A cut is an exact piece of source that stands exactly once in its file, and what stands there instead. When code
moves on, ``test_safeguards.py`` fails until the cut is written anew.
"""

from __future__ import annotations

from tests.sabotage import registry
from tests.sabotage.cuts import Cut, Safeguard

__all__ = ["SAFEGUARDS", "Cut", "Safeguard"]

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
    *registry.SAFEGUARDS,
)
