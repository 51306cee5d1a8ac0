"""The files that start the product agree with each other and with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import yaml
from django.http.request import validate_host

from prompthub.management.commands import serve
from tests.architecture.house import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = ("migrate", "web", "worker", "beat")
MANIFESTS = {
    path.name: [part for part in yaml.safe_load_all(path.read_text(encoding="utf-8")) if part]
    for path in sorted((ROOT / "deploy").glob("*.yaml"))
}
PODS = {
    part["metadata"]["labels"]["part"]: part["spec"]["template"]["spec"]
    for part in chain.from_iterable(MANIFESTS.values())
    if part["kind"] in {"Deployment", "Job"}
}
# Commands of Django and Celery themselves; the rest must be ours.
THEIRS = {"migrate", "collectstatic"}


def _settings_read() -> set[str]:
    """Every variable that the roof asks for through ``env``."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "prompthub").rglob("*.py"))
    read = re.findall(r'env\.(?:text|whole|seconds|flag|words|kept)\(\s*"([A-Z_]+)"', code)
    return {*read, "PROMPTHUB_STATE_DIR"}


def _example() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE))


@pytest.mark.parametrize("part", OURS)
def test_compose_and_kubernetes_start_the_same_command(part):
    [container] = PODS[part]["containers"]
    assert container["command"] == COMPOSE["services"][part]["command"]


@pytest.mark.parametrize("part", OURS)
def test_a_start_command_exists(part):
    command = COMPOSE["services"][part]["command"]
    if command[0] == "celery":
        assert command[1:3] == ["-A", "prompthub"]
        assert command[3] in {"worker", "beat"}
    else:
        assert command[:2] == ["python", "manage.py"]
        ours = {path.stem for path in Path(serve.__file__).parent.glob("*.py")}
        assert command[2] in ours | THEIRS


@pytest.mark.parametrize("part", OURS)
def test_a_pod_runs_without_rights_on_a_read_only_file_system(part):
    pod, [container] = PODS[part], PODS[part]["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


def test_manifests_hold_no_secret_only_its_name():
    assert not any(part["kind"] == "Secret" for part in chain.from_iterable(MANIFESTS.values()))
    for pod in PODS.values():
        assert {"secretRef": {"name": "prompthub"}} in pod["containers"][0]["envFrom"]


def test_web_is_probed_where_it_answers():
    [container] = PODS["web"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_kustomization_lists_every_manifest():
    [kustomization] = MANIFESTS["kustomization.yaml"]
    assert set(kustomization["resources"]) == set(MANIFESTS) - {"kustomization.yaml"}


@pytest.mark.parametrize("part", OURS)
def test_a_container_of_compose_is_read_only_and_without_capabilities(part):
    service = COMPOSE["services"][part]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize("part", OURS)
def test_every_setting_of_the_example_reaches_a_container_of_compose(part):
    service = COMPOSE["services"][part]
    assert service["env_file"] == [".env"], "all that is set there, and so every setting of the example"
    theirs = {"DATABASE_URL", "DATABASE_PASSWORD", "CELERY_BROKER_URL", "REDIS_URL"}  # where compose's own services are
    own = {
        "web": {"PROMPTHUB_HOST", "PROMPTHUB_PORT", "PROMPTHUB_ALLOWED_HOSTS"},
        "worker": {"PROMPTHUB_WORKER_METRICS_PORT"},
    }
    assert set(service["environment"]) == theirs | own.get(part, set()), "nothing else is taken from who set it"


@pytest.mark.parametrize("names", ["hub.example.com", "hub.example.com,other.example.com", "*", ".example.com", ""])
def test_the_health_check_of_compose_goes_by_a_name_that_is_served(names):
    web = COMPOSE["services"]["web"]
    filled = web["environment"]["PROMPTHUB_ALLOWED_HOSTS"].replace(
        "${PROMPTHUB_ALLOWED_HOSTS:-localhost}", names or "localhost"
    )
    [called] = re.findall(r"http://([^/:]+):8000/readyz", " ".join(web["healthcheck"]["test"]))
    assert "$" not in filled
    assert validate_host(called, filled.split(","))


def test_compose_gives_the_password_of_its_database_as_it_is():
    environment = COMPOSE["services"]["web"]["environment"]
    given = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert environment["DATABASE_PASSWORD"] == given
    assert "PASSWORD" not in environment["DATABASE_URL"], "there it would have to be escaped"


def test_compose_gives_its_database_the_memory_that_the_guide_tells_of():
    assert COMPOSE["services"]["postgres"]["command"] == [
        "postgres",
        "-c",
        "shared_buffers=${POSTGRES_SHARED_BUFFERS:-512MB}",
    ]
    guide = (ROOT / "docs" / "howto" / "run-the-large-installation.md").read_text(encoding="utf-8")
    assert "`POSTGRES_SHARED_BUFFERS` (512MB)" in guide


def test_compose_listens_where_it_is_published():
    web = COMPOSE["services"]["web"]
    assert web["ports"] == [f"${{PROMPTHUB_PORT:-8000}}:{web['environment']['PROMPTHUB_PORT']}"]


def test_variables_named_by_compose_and_manifests_exist():
    known = _settings_read() | {"PROMPTHUB_SITE", "POD_IP", "FORWARDED_ALLOW_IPS"}
    named = {name for part in OURS for name in COMPOSE["services"][part]["environment"]}
    named |= set(MANIFESTS["config.yaml"][0]["data"])
    named |= {variable["name"] for pod in PODS.values() for variable in pod["containers"][0].get("env", [])}
    assert named <= known


def test_the_example_of_settings_is_complete():
    others = {"POSTGRES_PASSWORD", "POSTGRES_SHARED_BUFFERS", "FORWARDED_ALLOW_IPS", "PROMPTHUB_PROVIDER_PORT"}
    assert _example() == _settings_read() | others


def test_make_is_an_alias_of_the_script():
    said = subprocess.run(
        [sys.executable, "make.py", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    offered = re.findall(r"^  (\w+) ", said, re.MULTILINE)
    [aliases] = re.findall(r"^COMMANDS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert offered == aliases.split()


def test_make_alone_prints_help():
    assert ".DEFAULT_GOAL := help" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_an_unknown_command_is_told_apart_from_a_failure():
    asked = subprocess.run(
        [sys.executable, "make.py", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "There is no command nonsense" in asked.stderr


def test_continuous_integration_runs_make_test():
    path = ROOT / ".ci" / "run"
    assert path.stat().st_mode & 0o111
    assert "make test" in path.read_text(encoding="utf-8")


def test_everything_that_runs_is_pinned_alike_in_both_requirements():
    pins = {
        name: dict(re.findall(r"^([\w.-]+(?:\[[\w,]+\])?)==([^\s;\\]+)", text, re.MULTILINE))
        for name in ("run", "test")
        for text in [(ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")]
    }
    assert pins["run"].items() <= pins["test"].items()
