"""``make verdict`` believes no command's word alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import verdict
from benchmarks.measuring import report
from benchmarks.verdict import LINE, ROOT, Bar
from tests.faults.verdict import Measured

MET = "X1 works    floor ≥ 2 ×   aim ≥ 3 ×   measured 4.5 ×   PASS"
MISSED = "X1 works    floor ≥ 2 ×   measured 1 ×   FAIL"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A command for a bar ``X1`` that runs these lines of Python."""

    def write(source: str, *, minutes: float = 1) -> Bar:
        (tmp_path / "x1_command.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.syspath_prepend(str(tmp_path))
        return Bar("X1", "x1_command", minutes)

    return write


def test_a_line_of_report_is_understood(capsys):
    report("G9 diff, words edited", 20, 1234.5, aim=50)
    assert LINE.match(capsys.readouterr().out).groupdict() == {
        "bar": "G9",
        "what": "diff, words edited",
        "floor": "≥ 20 ×",
        "measured": "1,234 ×",
        "word": "PASS",
    }


@pytest.mark.parametrize(("lost", "word"), [(0, "PASS"), (2, "FAIL")])
def test_a_line_of_a_fault_bar_is_understood(lost, word):
    measured = Measured("R3", "sqlite", 7, "30 publishes, 3 kills: 0 lost")
    measured.require("publishes", 30, allowed=lambda count: count == 30)
    measured.require("lost", lost)
    assert LINE.match(str(measured)).groupdict() == {
        "bar": "R3",
        "what": "sqlite, seed 7",
        "floor": "30 publishes, 3 kills: 0 lost",
        "measured": f"publishes 30, lost {lost}",
        "word": word,
    }


def test_a_bar_passes_when_its_command_and_all_its_lines_say_so(command):
    outcome = verdict.run(command(f"print({MET!r})\nprint('X2 other   floor ≥ 1   measured 0   FAIL')"), 7)
    assert (outcome.passed, outcome.failure, outcome.rows[0]["measured"]) == (True, "", "4.5 ×")


@pytest.mark.parametrize(
    ("source", "minutes", "failure"),
    [
        (f"print({MET!r})\nprint({MISSED!r})", 1, ""),
        (f"print({MET!r})\nraise SystemExit(1)", 1, "ended with status 1"),
        ("print('all is well')", 1, "printed no figure"),
        (f"import time\nprint({MET!r}, flush=True)\ntime.sleep(60)", 0.02, "not finished after 0.02 minutes"),
    ],
)
def test_a_bar_fails(command, source, minutes, failure):
    outcome = verdict.run(command(source, minutes=minutes), 7)
    assert (outcome.passed, outcome.failure) == (False, failure)


def test_a_bar_without_a_command_fails():
    outcome = verdict.run(Bar("X1", "benchmarks.not_written", 1), 7)
    assert (outcome.passed, outcome.failure) == (False, "there is no benchmarks.not_written")


def test_the_table_names_the_miss_and_the_status_tells_it(command, monkeypatch, capsys):
    monkeypatch.setattr(verdict, "BARS", (command(f"print({MET!r})"), Bar("X2", "benchmarks.not_written", 1)))
    assert verdict.main([]) == 1
    assert "1 of 2 bars met; missed: X2" in capsys.readouterr().out
    assert verdict.main(["--only", "x1"]) == 0


def test_an_unknown_bar_is_told(capsys):
    with pytest.raises(SystemExit):
        verdict.main(["--only", "G99"])
    assert "no such bar: G99" in capsys.readouterr().err


def test_every_bar_of_the_service_has_a_command():
    wanted = "G1 G2 G3 G3b G4 G8 G9 G10 G11 R1 R2 R3 R4 R5 R6 R10 S2 S3 S5 S6 S7 S10 S11 P1 P2 P3 P4"
    assert [bar.id for bar in verdict.BARS] == wanted.split()


def test_the_docs_tell_every_bar_and_its_command():
    lines = (ROOT / "docs/reference/bars.md").read_text(encoding="utf-8").splitlines()
    _head, _rule, *rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    told = {bar: command.strip("`") for bar, _, command, _ in rows}
    shown = {bar.id: " ".join((bar.module, *bar.arguments)) for bar in verdict.BARS}
    assert told == shown


def test_bench_measures_the_bars_of_speed_alone():
    asked = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "R1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "no such bar: R1; there are G1, G2, G3, G3b, G4, G8, G9, G10, G11" in asked.stderr
