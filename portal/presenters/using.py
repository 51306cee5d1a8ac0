"""How a program reads a client's prompt: lines to copy, with a place holder where its token goes."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from instances.models import PromptInstance

TOKEN = "PROMPTHUB_TOKEN"  # noqa: S105 - the name of an environment variable
PYTHON = """\
import json, os, urllib.parse, urllib.request

asked = urllib.parse.urlencode({asked})
request = urllib.request.Request(
    {address} + "?" + asked,
    headers={{"Authorization": "Bearer " + os.environ["{token}"]}},
)
with urllib.request.urlopen(request, timeout=10) as answer:
    parts = json.load(answer)["content_materialized"]
text = "".join(part if isinstance(part, str) else "<" + part["secret"] + ">" for part in parts)
"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """``key`` names it in the page, ``language`` for people."""

    key: str
    language: str
    code: str


def snippets(*, instance: PromptInstance, origin: str) -> list[Snippet]:
    """The active text over the API at ``origin`` (``https://hub.example.com/``), from a shell and from Python."""
    asked = {"client": instance.client.slug, "name": instance.name}
    address = f"{origin}api/v1/resolve"
    whole = shlex.quote(f"{address}?{urlencode(asked)}")
    curl = f'curl -H "Authorization: Bearer ${TOKEN}" \\\n  {whole}\n'
    python = PYTHON.format(asked=json.dumps(asked, ensure_ascii=False), address=json.dumps(address), token=TOKEN)
    return [Snippet("curl", _("curl"), curl), Snippet("python", _("Python"), python)]
