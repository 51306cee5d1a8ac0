"""A wrong value stops the start with one sentence that names the variable and says what it must be."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway import throttling
from prompthub import env

ROOT = Path(__file__).resolve().parents[3]
WRONG = {
    "PROMPTHUB_API_RATE": ["lots", "0/min", "10", "10/week", "-1/min", "1٠/min"],
    "PROMPTHUB_ATTEMPTS": ["0", "-1", "many", "1.5", "1_0", "9" * 5000],
    "PROMPTHUB_CRASH_LIMIT": ["0"],
    "PROMPTHUB_EGRESS_ALLOW": ["foo", "http://x:1", "host:0", "a b:80", "host:8٠"],
    "PROMPTHUB_ALLOWED_HOSTS": ["a b", "http://hub.example.com", "hub.example.com:8000"],
    "PROMPTHUB_LOG_LEVEL": ["loud"],
    "PROMPTHUB_PORT": ["99999", "0", "eight", "٨٠٨٠", "８０８０", "²"],
    "PROMPTHUB_LLM_URL": ["models.example.com"],
    "PROMPTHUB_CALL_SECONDS": ["0", "-1", "nan", "inf", "soon", "٢.٥", "2,5", "1" + "0" * 400],
    "PROMPTHUB_DEBUG": ["maybe"],
    "SENTRY_DSN": ["foo", "https://sentry.example.com"],
    "FORWARDED_ALLOW_IPS": ["banana", "10.0.0.1/33"],
    "REDIS_URL": ["foo", "http://x"],
    "CELERY_BROKER_URL": ["foo"],
    "DATABASE_URL": ["mysql://user@host/name", "oracle://host/name", "hub.sqlite3"],
    "PROMPTHUB_STATE_DIR": ["/proc/x", "/dev/null/x"],
}


def read():
    return runpy.run_path(str(ROOT / "prompthub" / "settings.py"))


@pytest.fixture
def embedded(monkeypatch, tmp_path):
    """The environment of an installation of its own that sets nothing."""
    for name in (*WRONG, "PROMPTHUB_SECRET_KEY", "PROMPTHUB_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setenv("PROMPTHUB_STATE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_by_its_name(embedded, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read()
    assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PROMPTHUB_API_RATE", f"10/{period}") for period in throttling.SECONDS),
        ("PROMPTHUB_EGRESS_ALLOW", "127.0.0.1:8090, [::1]:80,models.example.com:443"),
        ("PROMPTHUB_ALLOWED_HOSTS", "*,.example.com,hub_1.example.com,[::1],10.0.0.7"),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,::1"),
        ("SENTRY_DSN", "https://key@o1.sentry.example.com/42"),
        ("REDIS_URL", "rediss://:word@redis.example.com:6379/1"),
        ("PROMPTHUB_API_RATE", ""),
        ("PROMPTHUB_LOG_LEVEL", "debug"),
    ],
)
def test_what_is_right_is_taken(embedded, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    found = read()
    assert throttling.rate(found["API_RATE"])


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("PROMPTHUB_PORT", "٨٠٨٠", "PROMPTHUB_PORT must be a whole number in the digits 0-9, 1 to 65535"),
        ("PROMPTHUB_ATTEMPTS", "٣", "PROMPTHUB_ATTEMPTS must be a whole number in the digits 0-9, 1 or more"),
        (
            "PROMPTHUB_CALL_SECONDS",
            "٢.٥",
            "PROMPTHUB_CALL_SECONDS must be a number of seconds in the digits 0-9, greater than 0, such as 2.5",
        ),
    ],
)
def test_digits_of_another_script_are_refused_with_those_that_are_read(embedded, monkeypatch, name, value, wanted):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read()
    assert str(refusal.value) == wanted


@pytest.mark.parametrize(("written", "value"), [("2", 2.0), (" 2.5 ", 2.5), ("0.05", 0.05), (".5", 0.5), ("3.", 3.0)])
def test_seconds_are_whole_or_have_a_point(monkeypatch, written, value):
    monkeypatch.setenv("PROMPTHUB_CALL_SECONDS", written)
    assert env.seconds("PROMPTHUB_CALL_SECONDS", 10.0) == value


@pytest.fixture
def large(embedded, monkeypatch):
    """The environment of an installation that has a database elsewhere."""
    for name in ("DATABASE_PASSWORD", "DATABASE_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://prompthub@postgres:5432/prompthub")
    monkeypatch.setenv("PROMPTHUB_SECRET_KEY", "x" * 50)
    monkeypatch.setenv("PROMPTHUB_ENCRYPTION_KEYS", env.fresh_fernet())


@pytest.mark.parametrize("collected", [False, True])
def test_what_nobody_collected_is_served_from_where_it_is_written(large, monkeypatch, tmp_path, collected):
    monkeypatch.setattr(env, "BASE_DIR", tmp_path)
    if collected:
        (tmp_path / "static_collected").mkdir()
    assert read()["WHITENOISE_USE_FINDERS"] is not collected


def database():
    found = read()["DATABASES"]["default"]
    return [found[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]


@pytest.mark.parametrize("password", ["a/b?c#d", "%41", "p@ss:w/rd", "$HOME \\'\"", "ü"])
def test_a_password_of_the_database_that_stands_alone_is_taken_as_it_is(large, monkeypatch, password):
    monkeypatch.setenv("DATABASE_PASSWORD", password)
    assert database() == ["prompthub", password, "postgres", 5432, "prompthub"]


def test_a_password_in_the_address_of_the_database_is_escaped_there(large, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://prompthub:a%2Fb%3F%2541@postgres:5432/prompthub")
    assert database()[1] == "a/b?%41"
    monkeypatch.setenv("DATABASE_PASSWORD", "another")
    assert database()[1] == "another"


def test_the_password_of_the_database_may_come_from_a_file(large, monkeypatch, tmp_path):
    (tmp_path / "password").write_text("%41/b\n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    assert database()[1] == "%41/b"


@pytest.mark.parametrize("file", ["secret.key", "encryption.keys"])
@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_key_that_was_lost_in_its_file_is_not_replaced(embedded, file, content):
    read()
    (embedded / file).write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=file):
        read()
    assert (embedded / file).read_bytes() == content


def test_a_key_whose_file_cannot_be_read_is_told(embedded):
    (embedded / "secret.key").mkdir()
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        read()


def test_a_secret_is_never_repeated(embedded, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "swordfish")
    with pytest.raises(ImproperlyConfigured) as refusal:
        read()
    assert "swordfish" not in str(refusal.value)


def test_a_file_of_a_secret_that_is_no_text_is_told(monkeypatch, tmp_path):
    (tmp_path / "dsn").write_bytes(b"\xff\xff")
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    monkeypatch.setenv("SENTRY_DSN_FILE", str(tmp_path / "dsn"))
    with pytest.raises(ImproperlyConfigured, match="SENTRY_DSN_FILE"):
        env.text("SENTRY_DSN")


def test_an_empty_value_leaves_it_to_the_file(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("PROMPTHUB_SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("PROMPTHUB_SECRET_KEY", "")
    assert env.kept("PROMPTHUB_SECRET_KEY", "secret.key", fresh="new", embedded=False) == "from a file"
    monkeypatch.setenv("PROMPTHUB_SECRET_KEY", "of its own")
    assert env.text("PROMPTHUB_SECRET_KEY") == "of its own"


@pytest.mark.parametrize("command", [["manage.py", "check"], ["-m", "celery", "-A", "prompthub", "worker"]])
def test_a_command_says_it_in_one_sentence_and_fails(tmp_path, command):
    given = {**os.environ, "PROMPTHUB_STATE_DIR": str(tmp_path), "PROMPTHUB_API_RATE": "lots"}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    [said] = done.stderr.splitlines()
    assert said.startswith("PromptHub does not start: PROMPTHUB_API_RATE must be calls/period")
    assert done.returncode == 1


def test_a_damaged_database_is_told_in_one_sentence(tmp_path):
    (tmp_path / "prompthub.sqlite3").write_bytes(b"x" * 8192)
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PROMPTHUB_STATE_DIR"}}
    given = {**kept, "PROMPTHUB_STATE_DIR": str(tmp_path), "PROMPTHUB_SECRET_KEY": "x" * 50}
    given["PROMPTHUB_ENCRYPTION_KEYS"] = env.fresh_fernet()
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    [said] = done.stderr.splitlines()
    assert "restore the database from a backup" in said
    assert done.returncode == 1


def test_the_database_of_the_embedded_edition_is_closed_to_others(embedded):
    embedded.chmod(0o755)
    database = embedded / "prompthub.sqlite3"
    read()
    assert database.stat().st_mode & 0o777 == 0o600
    database.chmod(0o644)
    read()
    assert database.stat().st_mode & 0o777 == 0o640, "what a group may do is for whoever keeps the machine"


def test_an_empty_database_holds_nothing_that_new_keys_could_not_read(embedded):
    (embedded / "prompthub.sqlite3").touch()
    read()
    assert (embedded / "encryption.keys").exists()
