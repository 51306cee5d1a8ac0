"""Figures of the read path, exposed at ``/metrics`` by every process that reads."""

from __future__ import annotations

from prometheus_client import Counter

resolved = Counter("prompts_resolved_total", "Texts given, by where they came from", ["origin"])
unresolved = Counter(
    "prompts_unresolved_total", "Requests for a text that is not there, by the code of the answer", ["code"]
)
looked_up = Counter("names_looked_up_total", "Questions what a name means that went to the database")
hot_reads = Counter(
    "hot_reads_total",
    "Reads answered in front of the application: from memory, from the database, or handed on to it",
    ["how"],
)
usage_written = Counter("usage_rows_written_total", "Rows of usage that were written")
