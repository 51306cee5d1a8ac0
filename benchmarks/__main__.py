"""The bars of speed, one after the other: ``make bench [ARGS="--only G9,G10"]``. Each prints its own figures."""

from __future__ import annotations

import sys

from benchmarks import verdict

if __name__ == "__main__":
    sys.exit(verdict.main(sys.argv[1:], prog="make bench", kind="G"))
