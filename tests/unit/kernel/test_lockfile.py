import json
from dataclasses import replace
from pathlib import Path

import pytest

import contracts
from prompthub_kernel import lockfile
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Invalid
from prompthub_kernel.lockfile import MAX_PROBLEMS, LockedBundle, Lockfile, problems
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.selector import parse_selector
from prompthub_kernel.semver import SemVer

EXAMPLES = contracts.FOLDER / "examples"
ROOT = Path(__file__).parents[3]


def text(word):
    return sha256_digest(word.encode())


def manifest(bundle, version, requires=None, **prompts):
    ranges = {name: parse_selector(selector) for name, selector in (requires or {}).items()}
    return Manifest(bundle, SemVer.parse(version), {name: text(word) for name, word in prompts.items()}, ranges)


BASE = manifest("@acme/base", "1.4.0", tone="calm")
SUPPORT = manifest("@acme/support", "2.1.0-gpt4+x", {"@acme/base": "^1.2"}, welcome="hello", bye="bye")
WANTED = {"@acme/support": parse_selector("^2.1-gpt4")}
LOCK = Lockfile.of(WANTED, [SUPPORT, BASE])


def shown_in(page, form):
    """The first block of JSON of a documentation, with ``form`` in place of each digest that is left out."""
    return page.split("```json\n", 1)[1].split("```", 1)[0].replace("sha256:…", form)


def found(lock, against):
    return [(problem.code, problem.pointer) for problem in problems(lock, against)]


@pytest.mark.parametrize("page", [(ROOT / "docs/reference/lock-file.md").read_text(encoding="utf-8"), lockfile.__doc__])
def test_the_file_that_the_documentation_shows_is_spelled_as_the_file_is(page):
    shown = shown_in(page, "sha256:" + "0" * 64)
    assert Lockfile.parse(shown.encode()).dump().decode() == shown


def test_a_lock_is_read_as_it_is_written():
    assert Lockfile.parse(LOCK.dump()) == LOCK
    assert Lockfile.parse(LOCK.dump()).dump() == LOCK.dump()
    assert contracts.problems("lockfile", json.loads(LOCK.dump())) == []
    assert LOCK.contradictions() == []


def test_a_lock_has_one_spelling_and_a_digest_that_white_space_does_not_change():
    again = Lockfile.parse(canonical_json(LOCK.to_json()))
    assert again.dump() == LOCK.dump() == Lockfile.of(WANTED, [BASE, SUPPORT]).dump()
    assert again.digest() == LOCK.digest()
    assert LOCK.dump().startswith(b'{\n  "bundles": {\n    "@acme/base": {\n      "digest": "sha256:')
    assert LOCK.dump().endswith(b'  "lockfile": 1,\n  "requirements": {\n    "@acme/support": "^2.1-gpt4"\n  }\n}\n')


def test_a_lock_holds_versions_digests_and_what_required_what():
    held = LOCK.bundles["@acme/support"]
    assert (str(held.version), held.digest, held.prompts["bye"]) == ("2.1.0-gpt4+x", SUPPORT.digest(), text("bye"))
    assert LOCK.required_by("@acme/base") == ["@acme/support"]
    assert LOCK.required_by("@acme/support") == []


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid" / "lockfile").glob("*.json")), ids=lambda path: path.stem)
def test_the_valid_examples_of_the_contract_are_read(path):
    lock = Lockfile.parse(path.read_bytes())
    assert Lockfile.parse(lock.dump()).digest() == lock.digest()


INVALID = sorted(path for path in (EXAMPLES / "invalid" / "lockfile").glob("*.json") if path.stem != "problems")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_the_invalid_examples_of_the_contract_are_refused_at_their_place(path):
    expected = json.loads((path.parent / "problems.json").read_text("utf-8"))[path.stem]
    with pytest.raises(Invalid) as refused:
        Lockfile.parse(path.read_bytes())
    assert refused.value.code in {"422.request_invalid", "400.address_invalid"}
    assert refused.value.problems[0].pointer.startswith(expected["pointer"])


def edited(change):
    value = json.loads(LOCK.dump())
    change(value)
    return value


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        (lambda lock: lock["bundles"].pop("@acme/base"), "missing", "/bundles/@acme~1support/requires/@acme~1base"),
        (lambda lock: lock["requirements"].update({"@a/b": "*"}), "missing", "/requirements/@a~1b"),
        (
            lambda lock: lock["bundles"]["@acme/base"].update(version="2.0.0"),
            "unsatisfied",
            "/bundles/@acme~1support/requires/@acme~1base",
        ),
        (
            lambda lock: lock["requirements"].update({"@acme/support": "^3"}),
            "unsatisfied",
            "/requirements/@acme~1support",
        ),
        (lambda lock: lock["bundles"]["@acme/support"].update(requires={}), "unneeded", "/bundles/@acme~1base"),
        (lambda lock: lock["bundles"]["@acme/base"].update(requires={"@acme/support": "*-gpt4"}), "cycle", "/bundles/"),
        (
            lambda lock: lock["bundles"]["@acme/base"].update(version="1.4.0-rc1"),
            "pattern",
            "/bundles/@acme~1base/version",
        ),
        (lambda lock: lock["bundles"]["@acme/base"].update(version=1), "type", "/bundles/@acme~1base/version"),
        (lambda lock: lock.update(lockfile=True), "const", "/lockfile"),
        (
            lambda lock: lock["bundles"]["@acme/support"]["requires"].update({"@acme/base": "stable"}),
            "pattern",
            "/bundles/@acme~1support/requires/@acme~1base",
        ),
        (
            lambda lock: lock["requirements"].update({"@acme/support@1.0.0": "^2"}),
            "propertyNames",
            "/requirements/@acme~1support@1.0.0",
        ),
        (lambda lock: lock["requirements"].update({"@a/b": "^"}), "range", "/requirements/@a~1b"),
        (lambda lock: lock["requirements"].update({"a" * 100_000: "^1"}), "length", "/requirements/" + "a" * 200),
        (
            lambda lock: lock["bundles"]["@acme/base"].update(prompts=dict.fromkeys(map(str, range(1001)), text("a"))),
            "maxProperties",
            "/bundles/@acme~1base/prompts",
        ),
    ],
)
def test_a_lock_that_contradicts_itself_or_is_none_is_refused_at_its_place(change, code, pointer):
    with pytest.raises(Invalid) as refused:
        Lockfile.from_json(edited(change))
    problem = refused.value.problems[0]
    assert problem.code == code
    assert problem.pointer.startswith(pointer)
    assert len(problem.pointer) < 500


def test_a_cycle_is_told_in_its_order():
    with pytest.raises(Invalid) as refused:
        Lockfile.from_json(
            edited(lambda lock: lock["bundles"]["@acme/base"].update(requires={"@acme/support": "*-gpt4"}))
        )
    assert refused.value.detail.count("→") == 2


def test_a_channel_may_point_at_any_version():
    channel = {"@acme/base": parse_selector("active@staging")}
    assert Lockfile.of(channel, [BASE]).contradictions() == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"a":1,"a":2}', b"\xff", b"[" * 1000, b'"\\ud800"'])
def test_what_is_no_lock_at_all_is_refused(raw):
    with pytest.raises(Invalid):
        Lockfile.parse(raw)


def test_a_lock_that_still_holds_has_no_problems():
    wider = {"@acme/support": parse_selector(">=2.1-gpt4 <3")}
    assert problems(LOCK, Lockfile.of(wider, [BASE, SUPPORT])) == []


def test_another_content_under_the_same_version_is_a_mismatch_named_by_its_prompt():
    other = manifest("@acme/support", "2.1.0-gpt4+x", {"@acme/base": "^1.2"}, welcome="hullo", bye="bye")
    assert found(LOCK, Lockfile.of(WANTED, [other, BASE])) == [
        ("digest_mismatch", "/bundles/@acme~1support/digest"),
        ("digest_mismatch", "/bundles/@acme~1support/prompts/welcome"),
    ]


def test_a_prompt_that_came_or_went_under_the_same_version_is_a_mismatch():
    other = manifest("@acme/support", "2.1.0-gpt4+x", {"@acme/base": "^1.2"}, welcome="hello", good="bye")
    assert [pointer.rpartition("/")[2] for _, pointer in found(LOCK, Lockfile.of(WANTED, [other, BASE]))] == [
        "digest", "bye", "good",
    ]  # fmt: skip


def test_a_prompt_exchanged_behind_an_unchanged_digest_is_a_mismatch():
    held = LOCK.bundles["@acme/base"]
    forged = replace(LOCK, bundles={**LOCK.bundles, "@acme/base": replace(held, prompts={"tone": text("rude")})})
    assert found(LOCK, forged) == [("digest_mismatch", "/bundles/@acme~1base/prompts/tone")]


def test_other_requirements_of_the_same_version_are_a_problem():
    other = replace(LOCK.bundles["@acme/support"], requires={"@acme/base": parse_selector("^1.3")})
    against = replace(LOCK, bundles={**LOCK.bundles, "@acme/support": other})
    assert found(LOCK, against) == [("requires_changed", "/bundles/@acme~1support/requires")]


def test_drift_is_told_for_bundles_and_for_requirements():
    wanted = {"@acme/base": parse_selector("^1.5"), "@acme/new": parse_selector("*")}
    against = Lockfile.of(wanted, [manifest("@acme/base", "1.5.0"), manifest("@acme/new", "1.0.0")])
    lock = Lockfile.of({**WANTED, "@acme/base": parse_selector("^1")}, [SUPPORT, BASE])
    assert found(lock, against) == [
        ("version_changed", "/bundles/@acme~1base/version"),
        ("bundle_added", "/bundles/@acme~1new"),
        ("bundle_removed", "/bundles/@acme~1support"),
        ("requirement_changed", "/requirements/@acme~1base"),
        ("requirement_added", "/requirements/@acme~1new"),
        ("requirement_removed", "/requirements/@acme~1support"),
    ]


def test_the_build_metadata_of_a_version_tells_two_contents_apart():
    other = manifest("@acme/base", "1.4.0+y", tone="calm")
    assert ("version_changed", "/bundles/@acme~1base/version") in found(LOCK, Lockfile.of(WANTED, [SUPPORT, other]))


def test_problems_are_capped():
    many = [manifest(f"@acme/b{number}", "1.0.0") for number in range(MAX_PROBLEMS + 10)]
    assert len(problems(Lockfile.of({}, many), Lockfile.of({}, []))) == MAX_PROBLEMS
    assert len(Lockfile.of({}, many).contradictions()) == MAX_PROBLEMS


def test_a_manifest_is_read_as_it_is_written_and_its_digest_covers_everything():
    whole = replace(SUPPORT, compatibility={"models": ["gpt-4"], "client": ">=1"})
    assert Manifest.from_json(json.loads(canonical_json(whole.to_json()))) == whole
    others = [
        replace(whole, bundle="@acme/other"),
        replace(whole, version=SemVer.parse("2.1.0-gpt4+y")),
        replace(whole, prompts={**whole.prompts, "bye": text("ciao")}),
        replace(whole, requires={}),
        replace(whole, compatibility={}),
    ]
    digests = {other.digest() for other in others}
    assert len(digests) == 5
    assert whole.digest() not in digests
    assert LockedBundle.of(whole).digest == whole.digest()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"manifest": 2}, "/manifest"),
        ({"bundle": "acme"}, "/bundle"),
        ({"bundle": None}, "/bundle"),
        ({"version": "1"}, "/version"),
        ({"prompts": {"A": text("a")}}, "/prompts/A"),
        ({"prompts": {"a": "x"}}, "/prompts/a"),
        ({"requires": {"@a/b": "stable"}}, "/requires/@a~1b"),
        ({"compatibility": []}, "/compatibility"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_is_no_manifest_is_refused_at_its_place(change, pointer):
    with pytest.raises(Invalid) as refused:
        Manifest.from_json({**SUPPORT.to_json(), **change})
    assert refused.value.problems[0].pointer == pointer


def test_what_is_needed_by_way_of_others_is_needed():
    chain = [
        manifest("@a/a", "1.0.0", {"@a/b": "^1"}), manifest("@a/b", "1.0.0", {"@a/c": "^1"}),
        manifest("@a/c", "1.0.0", {"@a/d": "^1"}), manifest("@a/d", "1.0.0"),
    ]  # fmt: skip
    assert Lockfile.of({"@a/a": parse_selector("^1")}, chain).contradictions() == []
    unneeded = Lockfile.of({"@a/c": parse_selector("^1")}, chain).contradictions()
    assert [problem.pointer for problem in unneeded] == ["/bundles/@a~1a", "/bundles/@a~1b"]
