"""Imports only go down the stairs, and nobody lives outside the house."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.house import (
    CONFIG,
    CONTRACTS,
    DOMAIN,
    DOORS,
    NOT_PRODUCT,
    PACKAGES,
    ROOF,
    ROOT,
    tracked,
)


def _lint_imports(*arguments: str, cwd=ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_import_contracts_are_kept():
    answer = _lint_imports()
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_an_import_up_the_stairs_is_seen(tmp_path):
    for package, line in (("upstairs", ""), ("downstairs", "import upstairs\n")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(line, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["upstairs", "downstairs"]\n'
        '[[tool.importlinter.contracts]]\nname = "stairs"\ntype = "layers"\nlayers = ["upstairs", "downstairs"]\n',
        encoding="utf-8",
    )
    answer = _lint_imports(cwd=tmp_path)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "downstairs is not allowed to import upstairs" in answer.stdout


def test_every_package_lives_in_a_storey():
    on_disk = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    with_code = {name.partition("/")[0] for name in tracked() if name.count("/") and name.endswith(".py")}
    homeless = (on_disk | with_code) - set(PACKAGES) - NOT_PRODUCT
    assert homeless == set(), "give each a storey in pyproject.toml, [tool.importlinter]"


def test_every_storey_holds_packages_that_exist():
    assert [package for package in PACKAGES if not (ROOT / package / "__init__.py").is_file()] == []


def test_every_installed_app_of_ours_lives_in_a_storey(django_apps):
    homeless = [config.name for config in django_apps if config.name.partition(".")[0] not in PACKAGES]
    assert homeless == []


@pytest.fixture
def django_apps():
    from django.apps import apps

    inside = [config for config in apps.get_app_configs() if str(config.path).startswith(f"{ROOT}/")]
    return [config for config in inside if ".venv" not in config.path]


def test_the_contracts_leave_no_package_out():
    assert set(CONFIG["tool"]["importlinter"]["root_packages"]) == set(PACKAGES)
    assert set(CONTRACTS["roof"]["source_modules"]) == set(PACKAGES) - {ROOF}
    assert set(CONTRACTS["http"]["source_modules"]) == set(DOMAIN)
    assert set(CONTRACTS["egress"]["source_modules"]) == set(PACKAGES) - {"foundation"}
    assert set(CONTRACTS["permissions"]["source_modules"]) == set(PACKAGES) - {"prompthub_kernel"}
    assert set(CONFIG["tool"]["coverage"]["run"]["source"]) == set(PACKAGES)
    assert DOORS & set(PACKAGES), "there is at least one door"
