"""Verbs read the same everywhere: keywords only, who and when given, permission asked, decision recorded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import DOMAIN, DOORS, PACKAGES, Source, at, dotted, parse, source, sources

VERBS = (
    "assist.coach",
    "assist.erasure",
    "assist.refine",
    "assist.runs",
    "assist.switches",
    "audit.events",
    "foundation.broadcast",
    "tenancy.accounts",
    "tenancy.clients",
    "tenancy.erasure",
    "tenancy.policy",
    "tenancy.projects",
    "tenancy.tokens",
    "templates_app.drafts",
    "templates_app.lines",
    "templates_app.numbering",
    "templates_app.versions",
    "instances.comparing",
    "instances.drafts",
    "instances.erasure",
    "instances.numbering",
    "instances.versions",
    "registry.aims",
    "registry.bundles",
    "registry.choosing",
    "registry.channels",
    "registry.comparing",
    "registry.composing",
    "registry.dependencies",
    "registry.live",
    "registry.lockfiles",
    "registry.names",
    "registry.numbering",
    "registry.packs",
    "registry.pending",
    "registry.plans",
    "registry.releases",
    "registry.reviews",
    "registry.rollouts",
    "registry.schedules",
    "registry.search",
    "registry.signing",
    "registry.words",
    "resolver.packs",
    "resolver.resolve",
    "resolver.steps",
    "resolver.usage",
    "publishing.closing",
    "publishing.deliveries",
    "publishing.drift",
    "publishing.erasure",
    "publishing.lanes",
    "publishing.overwriting",
    "publishing.publish",
    "publishing.replays",
    "publishing.repush",
    "publishing.restoring",
    "publishing.sides",
    "publishing.targets",
    "publishing.waiting",
)
# The policy is read as a sentence: require(by, Permission.PUBLISH, client).
SENTENCES = {"tenancy.policy": {"can", "require", "permissions", "visible", "reach", "places", "roles"}}
# Functions, or whole modules, that write rows without deciding anything.
NO_DECISION = {
    "assist.runs.sweep": "rings for what waits, and writes down what is stale already",
    "publishing.erasure": "part of assist.erasure.erase_client, which records it",
    "instances.erasure": "part of assist.erasure.erase_client, which records it",
    "tenancy.erasure": "part of assist.erasure.erase_client, which records it",
    "instances.numbering": "part of publishing.restoring.skip_numbers, which records it",
    "templates_app.numbering": "part of publishing.restoring.skip_numbers, which records it",
    "registry.numbering": "part of publishing.restoring.skip_numbers, which records it",
    "registry.signing.sign_release": "part of registry.releases.cut, which records it",
    "registry.signing.skip": "part of publishing.restoring.skip_numbers, which records it",
    "registry.signing.index": "says what there is, signed; decides nothing",
    "registry.packs.activate": "channels.create and channels.activate ask, and record it",
    "foundation.broadcast": "says what was decided elsewhere, and forgets it",
    "registry.words": "part of the verbs that change a bundle, which record it",
    "publishing.lanes": "a lease says who is at work, not what was decided",
    "publishing.waiting": "part of publishing.targets.change and resume, which record it",
    "publishing.closing.end": "part of publishing.targets.remove_placement and of enqueue, which record it",
    "publishing.closing.end_closed": "follows from what was recorded when the place was closed",
    "publishing.closing.archive": "instances.drafts.archive asks, and records it",
    "publishing.overwriting.end": "part of the verb that delivers, removes, archives or moves, which asks",
    "publishing.deliveries.enqueue": "part of the decision that calls it, which records it",
    "publishing.deliveries.put_back": "nothing was sent; closing the place was recorded",
    "publishing.deliveries.sweep": "rings for what is due and marks that it rang",
    "audit.events.record": "it is the record",
    "tenancy.projects.local": "the installation makes its own default project, as PromptHub itself",
    "tenancy.tokens.authenticate": "the time of last use is a measurement",
    "tenancy.tokens.service_account": "an account without grants may do nothing; tokens and grants for it are recorded",
}
# Steps of the worker: they record what happened, and no door can take them, so there is nobody to ask.
WORKER = {
    "assist.runs.run",
    "publishing.deliveries.next_due",
    "publishing.repush.repush",
    "publishing.deliveries.settle",
    "publishing.drift.check",
    "publishing.drift.check_all",
    "publishing.overwriting.overwrite",
    "registry.schedules.wake",
}
# Steps inside a room's own verbs: they ask for less than the verb that takes them has asked for.
INNER = {
    "registry.channels.move",
    "registry.channels.set_aim",
    "registry.pending.make",
}
WRITES = frozenset(
    {"save", "create", "bulk_create", "bulk_update", "delete", "get_or_create", "update_or_create", "assign_perm"}
    | {"remove_perm"}
)


def functions(source: Source) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)}


def verbs(source: Source) -> Iterator[ast.FunctionDef]:
    yield from (node for name, node in functions(source).items() if not name.startswith("_"))


def reach(source: Source, start: ast.FunctionDef) -> list[ast.FunctionDef]:
    """The function and those of its own module that it calls, however deep."""
    known, found, waiting = functions(source), [], [start]
    while waiting:
        function = waiting.pop()
        found.append(function)
        called = {dotted(call.func) for call in ast.walk(function) if isinstance(call, ast.Call)}
        waiting += [known[name] for name in called if name in known and known[name] not in found + waiting]
    return found


def calls(source: Source, start: ast.FunctionDef) -> set[str]:
    """Dotted names of everything the function calls, itself or through its own module."""
    inside = (node for function in reach(source, start) for node in ast.walk(function))
    return {dotted(node.func) for node in inside if isinstance(node, ast.Call)}


def writes_rows(source: Source, start: ast.FunctionDef) -> bool:
    for function in reach(source, start):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                last = dotted(node.func).rpartition(".")[2]
                if last in WRITES or (last == "update" and node.keywords and not node.args):
                    return True
    return False


def arguments(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}


def signature_problems(source: Source) -> Iterator[str]:
    sentences = SENTENCES.get(source.module, set())
    for verb in verbs(source):
        positional = len(verb.args.posonlyargs) + len(verb.args.args)
        alone = positional == 1 and "by" not in arguments(verb)  # a word about one row: subject(client)
        if positional and not alone and verb.name not in sentences:
            yield at(source, verb, f"{verb.name} takes arguments without their names")


def undecided(source: Source) -> Iterator[str]:
    for verb in verbs(source):
        name = f"{source.module}.{verb.name}"
        if name in NO_DECISION or source.module in NO_DECISION or not writes_rows(source, verb):
            continue
        called = calls(source, verb)
        if not {"by", "at"} <= arguments(verb):
            yield at(source, verb, f"{verb.name} writes rows but takes no by and at")
        if not called & {"events.record", "record"}:
            yield at(source, verb, f"{verb.name} writes rows but records no action")
        if name not in WORKER and not called & {"policy.require", "require"}:
            yield at(source, verb, f"{verb.name} writes rows but asks no permission")


def without_words(source: Source) -> Iterator[str]:
    for verb in verbs(source):
        if not ast.get_docstring(verb):
            yield at(source, verb, f"{verb.name} has no docstring")


@pytest.mark.parametrize("module", VERBS)
@pytest.mark.parametrize("rule", [signature_problems, undecided, without_words])
def test_the_verbs_of_a_module_keep_the_rules(module, rule):
    assert list(rule(source(module))) == []


def test_no_door_takes_a_step_of_the_worker():
    steps = {".".join(name.split(".")[1:]) for name in WORKER}
    taken = [
        at(found, node, dotted(node.func))
        for found in sources(*DOORS & set(PACKAGES))
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call) and dotted(node.func) in steps
    ]
    assert taken == []


def test_only_the_room_itself_takes_its_inner_steps():
    steps = {".".join(name.split(".")[1:]): name.partition(".")[0] for name in INNER}
    taken = [
        at(found, node, dotted(node.func))
        for found in sources()
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call) and steps.get(dotted(node.func), found.package) != found.package
    ]
    assert taken == []


def test_the_exceptions_name_functions_that_exist():
    for name in (*NO_DECISION, *WORKER, *INNER):
        module, _, function = name.rpartition(".")
        assert name in VERBS or function in functions(source(module)), name


GOOD = '''
def rename(*, client, name, by, at):
    """Change the name."""
    policy.require(by, Permission.ADMIN, client)
    _keep(client, name)
    events.record(action=Action.CLIENT_RENAME, subject=subject(client), by=by, at=at)

def subject(client):
    """A client as the ledger knows it."""

def get(*, key, actor):
    """One client."""

def _keep(client, name):
    Client.objects.filter(pk=client.pk).update(name=name)
'''


def test_a_verb_that_keeps_the_rules_is_let_through():
    good = parse(GOOD)
    assert [problem for rule in (signature_problems, undecided, without_words) for problem in rule(good)] == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "told"),
    [
        (signature_problems, "def rename(*, ", "def rename(", "without their names"),
        (undecided, "by, at):", "by):", "no by and at"),
        (undecided, "    policy.require(by, Permission.ADMIN, client)\n", "", "asks no permission"),
        (undecided, "    events.record", "    log.info", "records no action"),
        (without_words, '    """One client."""', "    return None", "has no docstring"),
    ],
)
def test_a_broken_verb_is_seen(rule, old, new, told):
    assert old in GOOD
    assert any(told in problem for problem in rule(parse(GOOD.replace(old, new))))


def test_whoever_records_decisions_is_a_verb_module():
    strangers = {
        found.module
        for found in sources(*DOMAIN)
        if found.module not in VERBS
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "events.record"
    }
    assert strangers == set()


def _members() -> dict[str, str]:
    (action,) = (node for node in source("audit.actions").tree.body if isinstance(node, ast.ClassDef))
    return {
        node.targets[0].id: node.value.value
        for node in action.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def test_every_action_is_recorded_by_some_verb():
    used = {
        node.attr
        for found in sources(*DOMAIN)
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Attribute) and dotted(node.value).rpartition(".")[2] == "Action"
    }
    assert set(_members()) - used == set()


def test_actions_follow_their_grammar():
    shape = re.compile(r"[a-z]+(\.[a-z]+){1,2}")
    wrong = {name: word for name, word in _members().items() if not shape.fullmatch(word)}
    misnamed = {name: word for name, word in _members().items() if word.replace(".", "_").upper() != name}
    assert (wrong, misnamed) == ({}, {})


def test_the_table_of_verb_modules_is_complete():
    """No module of a domain package writes rows from a public function without being held to the verbs' rules."""
    edge = ("models", "admin", "tasks", "apps", "triggers", "idempotency", "chain")
    strangers = set()
    for found in sources(*DOMAIN):
        if found.module in VERBS or found.module.rpartition(".")[2] in edge or found.package == "contracts":
            continue
        strangers |= {f"{found.module}.{verb.name}" for verb in verbs(found) if writes_rows(found, verb)}
    assert strangers == set()
