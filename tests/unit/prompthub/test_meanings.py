"""The reference of settings tells of every one, in words."""

from __future__ import annotations

import re

from docs import tables
from prompthub.meanings import MEANINGS


def rows():
    lines = tables.settings().strip().splitlines()[2:]
    return {
        cells[1].strip(" `"): [cell.strip() for cell in cells[2:-1]] for cells in (line.split("|") for line in lines)
    }


def test_every_setting_is_explained_and_nothing_else():
    assert rows().keys() == MEANINGS.keys()


def test_settings_of_workers_and_of_the_proxy_are_there_too():
    assert {"PROMPTHUB_WORKER_METRICS_PORT", "PROMPTHUB_PROVIDER_PORT", "FORWARDED_ALLOW_IPS"} <= rows().keys()


def test_no_name_of_the_code_is_a_default():
    said = " ".join(default for _, _, default in rows().values())
    assert not re.search(r"EMBEDDED|True|False|None|\{", said)


def test_figures_that_are_read_from_the_database_are_listed():
    told = tables.metrics()
    for name in ("deliveries_open", "deliveries_dead_letters", "deliveries_oldest_seconds", "deliveries_readable"):
        assert f"`{name}`" in told
