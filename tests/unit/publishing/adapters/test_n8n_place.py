"""Where a prompt lives in a workflow, and how literal text is stored there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publishing.adapters.n8n_place import Place, PlaceRefused, as_stored, as_text, is_expression
from tests.fakes.n8n_expressions import evaluate
from tests.fakes.n8n_nodes import AGENT, SET, assistant

pieces = st.sampled_from(
    ["=", "{", "}", "{{", "}}", '"', "\\", ".", "constructor", "\n", "\u2028", "\x1c", "é", "🙂", " "]
)
texts = st.lists(pieces | st.text(max_size=5), max_size=12).map("".join)


@settings(max_examples=200)
@given(texts)
def test_what_is_stored_is_used_as_it_was_written(text):
    for written in (text, "=" + text):
        stored = as_stored(written)
        assert evaluate(stored) == written
        assert as_text(stored) == written
        assert not is_expression(stored)


@pytest.mark.parametrize("text", ["plain", "{{ x }}", " =not first", ""])
def test_text_without_a_leading_equals_sign_is_stored_as_it_is(text):
    assert as_stored(text) == text


def test_a_leading_equals_sign_is_stored_as_a_json_string():
    assert as_stored('=say "hi"') == '={{ "=say \\"hi\\"" }}'
    assert as_stored("=a}}}b") == '={{ "=a}\\u007d\\u007db" }}'


@pytest.mark.parametrize(
    "stored",
    [
        "=",
        "=plain",
        "={{ $json.x }}",
        '={{ "constant" }}',
        '={{ "=x" }} more',
        "={{ 7 }}",
        '={{ "\\ud800 }}',
        '={{ "=a}}" }}',
    ],
)
def test_somebodys_expression_is_told_apart_from_ours(stored):
    assert is_expression(stored)
    assert as_text(stored) == stored


@pytest.mark.parametrize("stored", [None, "", "text", "{{ $json.x }}", '={{ "=x" }}'])
def test_what_is_no_expression(stored):
    assert not is_expression(stored)


def place(path, node=AGENT):
    return Place.of({"node_id": node, "parameter_path": path})


def test_a_path_is_read_step_by_step():
    assert place("assignments.assignments[2].value").steps == ("assignments", "assignments", 2, "value")
    assert place("a[0][10].b").steps == ("a", 0, 10, "b")


def test_the_value_at_a_place_is_found():
    assert place("options.systemMessage").stored(assistant("Hello")) == "Hello"
    assert place("assignments.assignments[0].value", SET).stored(assistant()) == "calm"


def test_a_parameter_with_its_default_has_no_value():
    nodes = assistant(None)
    del nodes[1]["parameters"]["options"]
    assert place("options.systemMessage").stored(nodes) is None
    assert place("options.systemMessage").filled(nodes, "x")[1]["parameters"]["options"] == {"systemMessage": "x"}


def test_a_node_without_parameters_gets_them():
    assert place("text").filled([{"id": AGENT}], "x") == [{"id": AGENT, "parameters": {"text": "x"}}]


def test_filling_changes_a_copy_and_nothing_else():
    nodes = assistant("Hello")
    filled = place("assignments.assignments[2].value", SET).filled(nodes, "new")
    assert nodes == assistant("Hello")
    assert place("assignments.assignments[2].value", SET).filled(filled, "Say hello.") == nodes


@pytest.mark.parametrize("step", ["tags[0]", "tags[1]"])
def test_a_list_of_texts_can_be_filled(step):
    nodes = [{"id": AGENT, "parameters": {"tags": ["a", "b"]}}]
    assert place(step).filled(nodes, "x")[0]["parameters"]["tags"].count("x") == 1


@pytest.mark.parametrize(
    ("path", "node", "code"),
    [
        ("options.systemMessage", "nobody", "not_found"),
        ("assignments.assignments[3].value", SET, "not_found"),
        ("assignments.assignments.value", SET, "not_found"),
        ("assignments.missing[0].value", SET, "not_found"),
        ("text.deeper", AGENT, "not_found"),
        ("options", AGENT, "not_text"),
        ("options.maxIterations", AGENT, "not_text"),
    ],
)
def test_a_place_that_is_not_there_is_told(path, node, code):
    for look in (place(path, node).stored, lambda nodes: place(path, node).filled(nodes, "x")):
        with pytest.raises(PlaceRefused) as refusal:
            look(assistant())
        assert refusal.value.problem.code == code


@pytest.mark.parametrize("nodes", [None, {}, "nodes", [None], [{"id": "other"}], [{"id": AGENT, "parameters": []}]])
def test_nodes_that_make_no_sense_have_no_place(nodes):
    with pytest.raises(PlaceRefused):
        place("options.systemMessage").stored(nodes)
