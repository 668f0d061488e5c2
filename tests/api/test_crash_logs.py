"""What a crash leaves in the log: the statement, never what was written with it."""

import traceback

from sqlalchemy import text
from structlog.testing import capture_logs

from gateway import db
from tests.api.conftest import Client


def test_a_crash_logs_no_parameter_of_its_statement(operator: Client) -> None:
    with db.transaction() as session:
        session.execute(text("alter table account rename column handle to name"))
    with capture_logs() as logs:
        answer = operator.post("/v1/accounts", {"handle": "secret-handle", "kind": "person"})
    assert answer.status_code == 500
    (crash,) = [line for line in logs if line["event"] == "request.crashed"]
    told = "".join(traceback.format_exception(crash["exc_info"]))
    assert "INSERT INTO account" in told
    assert "secret-handle" not in told
