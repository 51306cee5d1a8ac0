"""A model that writes exactly one text."""

from __future__ import annotations

from assist.ports import Ending, Finish


class Says:
    """Writes it in the form that was asked for; `within` runs between the text and its end."""

    name, model = "scripted", "says"

    def __init__(self, text, notes="Because.", within=None):
        self.text, self.notes, self.within = text, notes, within

    def complete(self, *, messages, deadline):
        mark = messages[-1].text.rpartition("</instruction-")[2].rstrip(">")
        yield f"<prompt-{mark}>\n{self.text}\n</prompt-{mark}>\n<notes-{mark}>\n{self.notes}\n</notes-{mark}>"
        if self.within is not None:
            self.within()
        yield Finish(Ending.COMPLETE, "says-2", 5, 7)
