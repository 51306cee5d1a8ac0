import pytest

from prompthub_kernel.body import MAX_MESSAGES, MAX_SOURCE_BYTES, BodyFormat, Engine, PromptBody
from prompthub_kernel.errors import Invalid

CHAT = [
    {"role": "system", "content": "You help {{ company }}."},
    {"type": "placeholder", "name": "history"},
    {"role": "user", "content": "{{ question }}", "name": "caller"},
]


def parse(content_md=None, content_json=None, **more):
    return PromptBody.parse(content_md=content_md, content_json=content_json, **more)


def problems(*args, **more):
    with pytest.raises(Invalid) as refused:
        parse(*args, **more)
    assert refused.value.code == "400.template_schema_invalid"
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({"content_md": "# Hi"}, BodyFormat.MARKDOWN),
        ({"content_md": "Hi", "format": "text"}, BodyFormat.TEXT),
        ({"content_json": {"a": 1}}, BodyFormat.JSON),
        ({"content_json": [{"a": 1}]}, BodyFormat.JSON),
        ({"content_json": CHAT}, BodyFormat.CHAT),
        ({"content_json": CHAT, "format": "json"}, BodyFormat.JSON),
        ({"content_json": [{"role": "placeholder", "name": "history"}]}, BodyFormat.CHAT),
        ({"content_json": [{"role": "admin", "may": ["read"]}, {"role": "guest", "may": []}]}, BodyFormat.JSON),
        ({"content_json": [CHAT[0], {"content": "x"}]}, BodyFormat.JSON),
        ({"content_json": [CHAT[0], {"text": "x"}]}, BodyFormat.JSON),
        ({"content_json": [CHAT[0], "x"]}, BodyFormat.JSON),
        ({"content_json": {"role": "user"}}, BodyFormat.JSON),
        ({"content_json": [CHAT[0], {"role": "user"}], "format": "json"}, BodyFormat.JSON),
    ],
)
def test_the_format_follows_from_the_content_unless_it_is_given(fields, shape):
    assert parse(**fields).format is shape


def test_a_body_is_jinja2_unless_it_says_liquid():
    assert parse("Hi").engine is Engine.JINJA2
    assert parse("Hi", engine="liquid").engine is Engine.LIQUID


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("", "oneOf")]),
        ({"content_md": "x", "content_json": {"a": 1}}, [("", "oneOf")]),
        ({"content_md": "x", "engine": "mako"}, [("/engine", "enum")]),
        ({"content_md": "x", "engine": ["jinja2"], "format": {}}, [("/engine", "enum"), ("/format", "enum")]),
        ({"content_md": "x", "format": "chat"}, [("/format", "enum")]),
        ({"content_json": {"a": 1}, "format": "text"}, [("/format", "enum")]),
        ({"content_md": 3}, [("/content_md", "type")]),
        ({"content_md": " \n"}, [("/content_md", "minLength")]),
        ({"content_md": "a\0b"}, [("/content_md", "pattern")]),
        ({"content_md": "\ud800"}, [("/content_md", "pattern")]),
        ({"content_md": "ü" * (MAX_SOURCE_BYTES // 2) + "x"}, [("/content_md", "maxLength")]),
        ({"content_json": "text"}, [("/content_json", "type")]),
        ({"content_json": []}, [("/content_json", "minItems")]),
        ({"content_json": {"a": float("nan")}}, [("/content_json", "json")]),
        ({"content_json": {"a": ["b\0"]}}, [("/content_json", "pattern")]),
        ({"content_json": {"a\0": 1}}, [("/content_json", "pattern")]),
        ({"content_json": ["x" * MAX_SOURCE_BYTES]}, [("/content_json", "maxLength")]),
        ({"content_json": {"a": 1}, "format": "chat"}, [("/content_json", "type")]),
        ({"content_json": [1], "format": "chat"}, [("/content_json/0", "type")]),
        ({"content_json": CHAT * MAX_MESSAGES}, [("/content_json", "maxItems")]),
        ({"content_json": [{"role": "robot", "content": "x"}]}, [("/content_json/0/role", "enum")]),
        ({"content_json": [CHAT[0], {"role": "user", "content": 3}]}, [("/content_json/1/content", "type")]),
        ({"content_json": [CHAT[0], {"role": "user"}]}, [("/content_json/1/content", "required")]),
        ({"content_json": [{"role": "user"}, CHAT[1]]}, [("/content_json/0/content", "required")]),
        ({"content_json": [{"role": "user"}]}, [("/content_json/0/content", "required")]),
        ({"content_json": [{"role": "user"}], "format": "chat"}, [("/content_json/0/content", "required")]),
        (
            {"content_json": [CHAT[0], {"role": "robot", "text": "x"}]},
            [
                ("/content_json/1/text", "additionalProperties"),
                ("/content_json/1/role", "enum"),
                ("/content_json/1/content", "required"),
            ],
        ),
        ({"content_json": [CHAT[0], {"role": "user", "content": None}]}, [("/content_json/1/content", "type")]),
        ({"content_json": [{**CHAT[0], "a/b": 1}]}, [("/content_json/0/a~1b", "additionalProperties")]),
        ({"content_json": [{**CHAT[0], "name": "a b"}]}, [("/content_json/0/name", "pattern")]),
        ({"content_json": [{"type": "placeholder"}]}, [("/content_json/0/name", "pattern")]),
        ({"content_json": [{**CHAT[1], "content": "x"}]}, [("/content_json/0/content", "additionalProperties")]),
    ],
)
def test_what_cannot_be_a_prompt_is_refused_with_its_place(fields, expected):
    assert problems(**fields) == expected


def test_a_literal_backslash_u0000_is_no_nul_character():
    assert parse(content_json={"a": "\\u0000"}).document == {"a": "\\u0000"}


def test_leaves_are_every_renderable_string():
    assert list(parse("Hi {{ name }}").leaves()) == [("", "Hi {{ name }}")]
    assert list(parse(content_json=CHAT).leaves()) == [
        ("/0/content", "You help {{ company }}."),
        ("/2/content", "{{ question }}"),
    ]
    assert list(parse(content_json={"a/b": ["x", 1, {"~": "y"}], "{{ key }}": None}).leaves()) == [
        ("/a~1b/0", "x"),
        ("/a~1b/2/~0", "y"),
    ]


def test_source_is_what_a_person_reads():
    assert parse("Hi\r\nthere").source() == "Hi\r\nthere"
    assert parse(content_json={"b": "é", "a": [1]}).source() == '{\n  "b": "é",\n  "a": [\n    1\n  ]\n}'


def test_line_ends_become_line_feeds_in_every_string_but_keys():
    assert parse("a\r\nb\rc\n\r\n").with_line_feeds() == parse("a\nb\nc\n\n")
    document = {"k\r": ["a\r\nb", 1, {"c": "d\r"}, None, True]}
    assert parse(content_json=document).with_line_feeds().document == {"k\r": ["a\nb", 1, {"c": "d\n"}, None, True]}
    chat = parse(content_json=[{"role": "user", "content": "a\r\nb"}])
    assert chat.with_line_feeds().document == [{"role": "user", "content": "a\nb"}]
    assert chat.document == [{"role": "user", "content": "a\r\nb"}]


def test_a_text_that_was_kept_with_other_line_ends_has_the_digest_it_had():
    kept = parse("a\r\nb")
    assert kept.text == "a\r\nb"
    assert kept.digest() != kept.with_line_feeds().digest()


def test_keys_are_those_of_all_objects_with_their_places():
    assert list(parse(content_json={"a/b": [{"c": {}}], "d": "e"}).document_keys()) == [
        ("/a~1b", "a/b"),
        ("/a~1b/0/c", "c"),
        ("/d", "d"),
    ]
    assert list(parse("a").document_keys()) == []


def test_a_digest_covers_content_format_and_engine_but_not_the_order_of_keys():
    bodies = [parse("x"), parse("x", format="text"), parse("x", engine="liquid"), parse("y"), parse(content_json=["x"])]
    assert len({body.digest() for body in bodies}) == len(bodies)
    assert parse(content_json={"a": 1, "b": 2}).digest() == parse(content_json={"b": 2, "a": 1.0}).digest()


def test_a_body_survives_its_fields():
    for body in (parse("x", engine="liquid"), parse("y", format="text"), parse(content_json=CHAT)):
        assert PromptBody.parse(**body.as_fields()) == body


def test_changing_what_was_sent_or_given_out_does_not_change_the_body():
    sent = {"a": ["x"]}
    body = parse(content_json=sent)
    sent["a"].append("y")
    body.as_fields()["content_json"]["a"].append("z")
    assert body.document == {"a": ["x"]}
