"""What the rooms say in English, in the language of the page: problems and refusals by their sentences.

Errors are English everywhere, for programs, logs and the ledger; a page translates them when it shows them. The
sentences of the rooms that a person meets are listed here word for word; ``%(…)s`` stands for what changes. What the
portal itself raises is marked where it is raised, by ``gettext_noop``. Anything else, such as a provider's own words,
is shown as it came and marked as English. ``tests/unit/portal/test_sentences.py`` fails for a sentence that nobody says
any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop

from portal import sentences_conflicts, sentences_registry

N = gettext_noop
SENTENCES = (
    *sentences_registry.SENTENCES,
    # The portal's own, with something in them
    N("This needs the permission “%(permission)s” at this client."),
    # JSON Schema, of variables and of adapters' contracts
    N("This is needed."),
    N("This is needed together with what was given."),
    N("There is no such name here."),
    N("Nothing is allowed here."),
    N("Expected %(kinds)s."),
    N("Allowed are: %(values)s."),
    N("This is not one of the values allowed."),
    N("This is not the one value allowed."),
    N("This does not have the form that is asked for."),
    N("This is not a valid address."),
    N("This is not a valid %(format)s."),
    N("This is shorter than %(count)s characters."),
    N("This is longer than %(count)s characters."),
    N("This is less than %(least)s."),
    N("This is more than %(most)s."),
    N("This is not more than %(least)s."),
    N("This is not less than %(most)s."),
    N("This is not a multiple of %(step)s."),
    N("There are fewer than %(count)s entries."),
    N("There are more than %(count)s entries."),
    N("An entry appears more than once."),
    N("A name in here is not allowed."),
    N("An entry that must be in here is missing."),
    N("There are too few entries of the kind that must be in here."),
    N("There are too many entries of the kind that must be in here."),
    N("This fits none of the allowed forms."),
    N("This does not fit exactly one of the allowed forms."),
    N("This is a form that is not allowed."),
    N("This does not fit the schema."),
    N("The provider fills this in."),
    N("The values are too large for this schema."),
    N("NUL characters are not accepted."),
    N("Numbers are finite; integers have at most %(count)s digits."),
    N("The query of this address is not shown: write it in full."),
    N("The settings lead to another host: the stored credentials are not sent there. Give them anew."),
    N("The key occurs twice in one object."),
    # The database
    N("The database is damaged. Stop PromptHub, and restore the database from a backup."),
    N("The database did not answer. Try again."),
    N("The disk that holds the database is full. Nothing was half written: make room, then try again."),
    N("The database can be read, but not written. Nothing was half written: mend its rights, then try again."),
    # A prompt's text
    N("The prompt is empty."),
    N("NUL characters cannot be stored."),
    N("The text holds half of a surrogate pair."),
    N("The text is larger than %(count)s bytes."),
    N("The document is larger than %(count)s bytes."),
    N("A name is 1 to %(count)s letters, digits, _ or -."),
    N("Chat has at most %(count)s messages."),
    N("Chat is a list of messages."),
    N("The content of this message is missing; a list that is no chat has the format json."),
    N("line %(line)s: `%(name)s` is not declared in the variables schema"),
    N("is taken"),
    N("One line that does not begin with a space, without characters that turn the direction of writing."),
    N("1 to 200 characters"),
    N("A prompt's name has 1 to 200 characters."),
    N("This client has a prompt called '%(name)s' already."),
    N("The draft was changed meanwhile. Read it again, then apply your change to what is there now."),
    N("This prompt is archived; it is not edited or published any more."),
    N("This client is archived; nothing new is written or published for it."),
    N("No such version of this prompt."),
    N("This prompt has no such version, or its text was erased."),
    N("The text of this version was erased."),
    N("The secret variables %(names)s of this version are no longer set."),
    N("There is no such side to compare."),
    # Publishing and delivering
    N("Another version became active meanwhile. Look at what it changed, then publish with confirm to go on."),
    N("is not the active version"),
    N("A chosen target cannot receive this prompt."),
    N("no enabled target of this client has a place for this prompt"),
    N("A target's contract does not allow this text there. Nothing was published."),
    N("This client has a target of that name already."),
    N("No such target for this prompt's client."),
    N("No such target."),
    N("This is no place the adapter knows."),
    N("Another prompt goes inside or around that place already."),
    N("Another prompt goes to that place already."),
    N("This prompt goes inside or around that place already."),
    N("This prompt goes to that place already."),
    N("is a place that a prompt goes to already"),
    N("The adapter's contract does not allow this."),
    N("There is no adapter of that name."),
    N("A newer delivery took its place; there is nothing to replay."),
    N("The prompt does not go to this place any more. Place it there again, then publish it."),
    N(
        "This prompt is archived; nothing of it is sent any more. Take it away from this place, then place and publish "
        "another prompt instead."
    ),
    N("This target is switched off. Switch it on, then replay."),
    N("The prompt was taken away from this place before this was sent."),
    N("The prompt was archived before this was sent."),
    N("The client was archived before this was sent."),
    N("No such delivery."),
    N("given up by a person"),
    N("its worker died each time it was sent"),
    N("its worker stopped before the answer was written"),
    N("this is not base64 of 24 to 64 bytes"),
    N("the message would be larger than %(count)s bytes"),
    N("read_url asks for a name"),
    N("Not asked: a webhook cannot be tested without a message."),
    N("the node has no such parameter"),
    N("the parameter there is not text"),
    N("the workflow has no node with this id"),
    N("the workflow is archived"),
    N("an expression is stored there; allow replace_expression to overwrite it"),
    N("the field is not text"),
    N("the LLM has no state of that name"),
    N("the agent does not run on a Retell LLM"),
    # What adapters' contracts say about their fields
    N("How the first sends to a slot end, in order; later ones succeed."),
    N("Address of the n8n instance, without /api/v1."),
    N("API key with workflow:read, workflow:update and workflow:activate."),
    N("The node's id: its name may be changed by anybody."),
    N("Path in the node's parameters, e.g. options.systemMessage or assignments.assignments[2].value."),
    N("Whether an expression stored at the place may be replaced by plain text."),
    N("general_prompt, begin_message or states/<name>/state_prompt."),
    N('Optional address that answers {"text": …} with what runs; {name} in it becomes the location\'s name.'),
    N("Largest body the receiver takes. Standard Webhooks recommends less than 20 kB."),
    N("While it is set, every message carries a second signature made with it."),
    N("Sent as a bearer token to read_url."),
    N("What the message calls the text, and {name} in read_url. Left out: the message tells the prompt's name."),
    N("whsec_ and the base64 of 24 to 64 random bytes."),
    # Drift
    N("A delivery to this place is on its way already."),
    N("No such drift."),
    N("This drift was settled already."),
    N("A newer delivery overwrote what was found there; nothing is left to settle."),
    N(
        "What the provider runs is no valid document of this prompt's format; put our text back, or edit the draft by "
        "hand."
    ),
    N("The provider's text holds a secret of this prompt where none can stand; edit the draft by hand."),
    N("The provider's text holds a secret that is no longer set; set it again, or edit the draft by hand."),
    N("It is not known which secrets were delivered there; edit the draft by hand."),
    # Refining
    N("Refining with AI is switched off for this installation."),
    N("No language model is set up for this installation."),
    N("Refining with AI is switched off for this client."),
    N("This is no change of this suggestion. Look at its changes again."),
    N("These changes belong to others of the suggestion: alone they break the prompt."),
    N("No such suggestion."),
    N("The text is not a JSON document."),
    N("is not a JSON document"),
    N("`%(name)s` is used no more"),
    N("the provider's `%(written)s` is written differently"),
    N("the secret `%(name)s` was not in the text"),
)
WORDS = frozenset({"permission", "rule", "state", "other", "step"})
"""Places that hold one of our own words, to be translated too."""
ENGLISH = "en"
_LINE = re.compile(r"line (?P<line>\d+): (?P<rest>.+)", re.DOTALL)


KINDS = {
    "string": N("text"),
    "integer": N("whole number"),
    "number": N("number"),
    "boolean": N("yes or no"),
    "array": N("list"),
    "object": N("object"),
    "null": N("nothing"),
}


def kinds(words: Iterable[str]) -> str:
    """JSON types in words of the page: “text or nothing”."""
    return f" {gettext('or')} ".join(gettext(KINDS[word]) if word in KINDS else word for word in words)


def said(text: str) -> str:
    """An English sentence of a room in the language of the page; as it is where nobody translated it."""
    if (found := _translated(str(text))) is not None:
        return found
    line = _of_a_line(str(text))
    return f"{line[0]} {said(line[1])}" if line else str(text)


def shown(text: str | None) -> str | SafeString:
    """The same for HTML: what stays English is marked as that, so that it is read out as English."""
    if not text or isinstance(text, SafeString):
        return text or ""
    found = _translated(str(text))
    if found is None and (line := _of_a_line(str(text))):
        return format_html("{} {}", line[0], shown(line[1]))
    if found is None and get_language() != ENGLISH:
        return format_html('<span lang="en">{}</span>', text)
    return found or str(text)


def _of_a_line(text: str) -> tuple[str, str] | None:
    """What a parser says of a line: the line, in words, and the rest, which is often the parser's own."""
    fits = _LINE.fullmatch(text)
    return (gettext("line %(line)s:") % {"line": fits["line"]}, fits["rest"]) if fits else None


def _translated(text: str) -> str | None:
    """None for what nobody translated."""
    if (found := gettext(text)) != text:
        return found
    for pattern, sentence in _patterns():
        if (fits := pattern.fullmatch(text)) is not None:
            named = fits.groupdict()
            return gettext(sentence) % {name: _named(name, one) for name, one in named.items()}
    return None if get_language() == ENGLISH else sentences_conflicts.said(text, say=gettext)


def _named(name: str, text: str) -> str:
    """What stands at a place of a sentence: a word of ours, a sentence of its own, or a name as it came."""
    if name == "why":
        return said(text)
    if name == "kinds" and get_language() != ENGLISH:
        return kinds(text.split(" or "))
    return gettext(text) if name in WORDS else text


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(_pattern(sentence), re.DOTALL), sentence) for sentence in SENTENCES if "%(" in sentence]


def _pattern(sentence: str) -> str:
    pieces = re.split(r"%\((\w+)\)s", sentence)
    return "".join(f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
