"""What a person reads at the portal is marked for translation: in templates, in code, and not at all in scripts."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.architecture.house import at, dotted, parse, sources

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    [*(ROOT / "portal" / "templates").rglob("*.html"), *(ROOT / "prompthub" / "templates" / "prompthub").glob("*.html")]
)
SCRIPTS = sorted((ROOT / "portal" / "static" / "portal" / "js").glob("*.js"))
CALLS = {"_", "N", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
SILENT = (
    r"\{% comment %\}.*?\{% endcomment %\}",
    r"\{% blocktranslate .*?\{% endblocktranslate %\}",
    r"\{% blocktranslate %\}.*?\{% endblocktranslate %\}",
    r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}",
)
CHOSEN_TAG = re.compile(r"<(/?)\{% if [^%]*%\}\w+\{% else %\}\w+\{% endif %\}")
NAMES = {"PromptHub", "CSV", "JSON", 'class="ph"'}
SAID = {"title", "aria-label", "placeholder", "alt", "label"}
WORD = re.compile(r"[^\W\d_]{2,}")


class Texts(HTMLParser):
    """The texts of a template and of those attributes that are read out."""

    def __init__(self):
        super().__init__()
        self.found, self.quiet = [], 0

    def handle_starttag(self, tag, attrs):
        self.quiet += tag in {"code", "style", "script"}
        self.found += [value for name, value in attrs if name in SAID and value]

    def handle_endtag(self, tag):
        self.quiet -= tag in {"code", "style", "script"}

    def handle_data(self, text):
        if not self.quiet:
            self.found.append(text)


def unmarked(template: str) -> list[str]:
    """The words of a template that stand in no ``translate``."""
    template = CHOSEN_TAG.sub(r"<\1div", template)
    for pattern in SILENT:
        template = re.sub(pattern, "\x1f", template, flags=re.DOTALL)
    reader = Texts()
    reader.feed(template)
    pieces = [piece.strip(" \n·:,") for text in reader.found for piece in re.split("[\x1f·]", text)]
    return [piece for piece in pieces if WORD.search(piece) and piece not in NAMES]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_word_of_a_template_is_marked(path):
    assert unmarked(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "template",
    ["<p>Hello</p>", '<p title="Hello">{{ name }}</p>', "{% if a %}yes{% endif %}", "<b>{% translate 'a' %} of</b>"],
)
def test_a_word_that_is_not_marked_is_seen(template):
    assert len(unmarked(template)) == 1


def test_what_is_marked_is_let_through():
    template = (
        "{% blocktranslate count n=x %}<b>One</b>{% plural %}Many{% endblocktranslate %} <code>path</code> {{ a }}"
    )
    assert unmarked(template) == []


def hidden(source) -> list[str]:
    """Texts that gathering cannot see: inside an f-string, or put together before they are looked up."""
    inside = [
        call
        for node in ast.walk(source.tree)
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    ]
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if call.args and not isinstance(call.args[0], ast.Constant)]
    named = [call for call in [*inside, *made] if dotted(call.func) in CALLS]
    return [at(source, call, "a text that is not one plain string") for call in named]


def test_every_text_of_the_code_can_be_gathered():
    own = {"portal/sentences.py"}  # looks up what the rooms said
    assert [one for source in sources("portal") if source.path not in own for one in hidden(source)] == []


@pytest.mark.parametrize("line", ["f'{_(a)} b'", "_(f'{a} b')", "_('a' + b)", "gettext(a)"])
def test_a_text_that_cannot_be_gathered_is_seen(line):
    assert hidden(parse(f"def f(a, b):\n    return {line}\n", "portal/views/sample.py")) != []


def test_no_script_says_a_word_of_its_own():
    """Words come from the page, in ``data-`` attributes: a script has no language."""
    saying = re.compile(r"""(?:textContent|innerText|title|ariaLabel|placeholder)\s*=\s*(["'`])(?P<said>.*?)\1""")
    said = [
        f"{path.name}: {found['said']}"
        for path in SCRIPTS
        for found in saying.finditer(path.read_text(encoding="utf-8"))
        if WORD.search(re.sub(r"\$\{.*?\}", "", found["said"]))
    ]
    assert said == []
