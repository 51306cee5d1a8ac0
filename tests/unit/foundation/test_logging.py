"""A line is one JSON object with the id of its work, and never holds a secret or a prompt."""

from __future__ import annotations

import json
import logging
import warnings

import pytest
import structlog

from foundation import correlation
from foundation import logging as house_logging
from foundation.redaction import MASK, known_secrets


@pytest.fixture(autouse=True)
def put_back():
    """Logging as it was, whatever a test configures."""
    names = (
        "",
        "django",
        "django.server",
        "celery",
        "uvicorn",
        "uvicorn.access",
        "uvicorn.error",
        *house_logging._QUIET,
    )
    before = {
        name: (logger.level, logger.handlers[:], logger.propagate)
        for name, logger in ((name, logging.getLogger(name)) for name in names)
    }
    configuration = structlog.get_config() if structlog.is_configured() else None
    logging.captureWarnings(capture=False)  # what was taken at start would not be taken again
    yield
    for name, (level, handlers, propagate) in before.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    if configuration:
        structlog.configure(**configuration)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsys):
    """The lines written since the last look, parsed."""

    def read() -> list[dict]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


def fail(message):
    raise ValueError(message)


def test_a_line_is_a_json_object_with_level_time_logger_and_fields(lines):
    house_logging.configure(json=True, level="INFO")
    structlog.get_logger("publishing").info("delivery.sent", delivery_id="d-1", tries=2)
    (line,) = lines()
    assert line["event"] == "delivery.sent"
    assert (line["level"], line["logger"], line["delivery_id"], line["tries"]) == ("info", "publishing", "d-1", 2)
    assert line["timestamp"].endswith("Z")


def test_every_line_has_a_correlation_id(lines):
    house_logging.configure(json=True, level="INFO")
    structlog.get_logger().info("outside")
    with correlation.use("work-id-0001"):
        structlog.get_logger().info("inside")
        logging.getLogger("django.request").warning("inside %s", "too")
    assert [line["correlation_id"] for line in lines()] == ["-", "work-id-0001", "work-id-0001"]


def test_a_line_about_a_request_has_its_id_and_never_its_query(lines, rf):
    house_logging.configure(json=True, level="INFO")
    request = rf.get("/nothing?token=swordfish")
    request.correlation_id = "work-id-0002"
    logging.getLogger("django.request").warning("Not Found: %s", request.path, extra={"request": request})
    logging.getLogger("django.server").warning("from elsewhere", extra={"request": object()})
    about, other = lines()
    assert (about["correlation_id"], about["method"]) == ("work-id-0002", "GET")
    assert other["correlation_id"] == "-"
    assert "swordfish" not in json.dumps([about, other])
    assert "request" not in about.keys() | other.keys()


def test_bound_fields_are_on_every_line_inside(lines):
    house_logging.configure(json=True, level="INFO")
    with house_logging.bind(template_id=1, instance_id="i", client_id=None, action="instance.publish"):
        logging.getLogger("celery").info("inside")
    logging.getLogger("celery").info("outside")
    inside, outside = lines()
    assert (inside["template_id"], inside["instance_id"], inside["action"]) == ("1", "i", "instance.publish")
    assert "client_id" not in inside
    assert "action" not in outside


def test_secrets_are_taken_out_of_ours_and_of_others_lines(lines):
    house_logging.configure(json=True, level="INFO")
    with known_secrets("hunter2"):
        structlog.get_logger().info("sent hunter2", headers={"Authorization": "abc"}, thing=ValueError("hunter2"))
        logging.getLogger("library").info("sent %s", "Bearer abcdefghijkl", extra={"api_key": "abc"})
        try:
            fail("hunter2 in a traceback")
        except ValueError:
            structlog.get_logger().exception("failed")
            logging.getLogger("library").exception("failed too")
    written = lines()
    assert len(written) == 4
    assert "hunter2 in" not in json.dumps(written)
    assert written[0]["event"] == f"sent {MASK}"
    assert written[0]["headers"] == {"Authorization": MASK}
    assert written[1]["event"] == f"sent Bearer {MASK}"
    assert written[1]["api_key"] == MASK
    assert f"ValueError: {MASK} in a traceback" in written[2]["exception"]
    assert f"ValueError: {MASK} in a traceback" in written[3]["exception"]


def test_prompt_text_is_never_logged_above_debug(lines):
    house_logging.configure(json=True, level="DEBUG")
    logger = structlog.get_logger()
    for write in (logger.info, logger.warning, logger.error):
        write("edited", content_md="You are a coach.", variables={"tone": "warm"})
    logging.getLogger("library").info("edited", extra={"text": "You are a coach."})
    logger.debug("edited", content_md="You are a coach.")
    *above, debug = lines()
    assert "coach" not in json.dumps(above)
    assert "warm" not in json.dumps(above)
    assert above[0]["content_md"] == "[16 characters]"
    assert debug["content_md"] == "You are a coach."


@pytest.mark.parametrize(("level", "written"), [("DEBUG", 3), ("info", 2), ("WARNING", 1), (logging.ERROR, 0)])
def test_lines_below_the_level_are_not_written(lines, level, written):
    house_logging.configure(json=True, level=level)
    logger = structlog.get_logger()
    logger.debug("x")
    logger.info("x")
    logger.warning("x")
    assert len(lines()) == written


def test_an_unknown_level_is_an_error():
    with pytest.raises(KeyError):
        house_logging.configure(json=True, level="LOUD")


def test_configuring_twice_writes_each_line_once(lines):
    house_logging.configure(json=True, level="INFO")
    house_logging.configure(json=True, level="INFO")
    logging.getLogger("x").info("once")
    assert len(lines()) == 1


def test_warnings_become_lines(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        house_logging.configure(json=True, level="INFO")
        warnings.warn("old", stacklevel=1)
        logging.captureWarnings(capture=False)
    (line,) = lines()
    assert line["logger"] == "py.warnings"


def test_lines_of_the_http_library_stay_out(lines):
    house_logging.configure(json=True, level="DEBUG")
    logging.getLogger("httpcore2.http11").debug("receive_response_headers")
    assert lines() == []


def test_in_development_a_line_is_for_eyes(capsys):
    house_logging.configure(json=False, level="INFO")
    with correlation.use("work-id-0001"):
        try:
            fail("Bearer abcdefghijkl")
        except ValueError:
            structlog.get_logger("x").exception("failed", password="abc")
    written = capsys.readouterr().err
    assert "failed" in written
    assert "work-id-0001" in written
    assert f"ValueError: Bearer {MASK}" in written
    assert "abcdefghijkl" not in written
