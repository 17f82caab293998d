# SPDX-License-Identifier: MIT
"""Commands that ask a server: what they send, what they say, and what a wrong answer becomes."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from flyball.cli.app import app
from flyball.cli.control import ask
from flyball.core.errors import RunError

RUN = CliRunner()
PROBLEM = {"where": "role", "found": "ann, viewer", "allowed": "operator", "fix": "ask", "more": 2}
STAGING = {
    "number": 3, "stage": "canary", "control": "rule:steady",
    "shares": {"rule:steady": 0.75, "abc": 0.25},
}  # fmt: skip
STATUS = {
    "plant": "stand", "control": "rule:steady", "stop": {"mode": "tripped", "reasons": ["smoke"]},
    "events": [{"at": "10:00", "kind": "off the field", "facts": {"why": "late, 3 times"}}],
}  # fmt: skip


class Answers:
    """A server that answers what it was told to, and keeps what it was asked."""

    def __init__(self):
        self.asked, self.answers = [], {}
        outer = self

        class Own(BaseHTTPRequestHandler):
            def do_GET(self):
                size = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(size)) if size else None
                outer.asked.append((self.command, self.path, body, self.headers["authorization"]))
                status, content = outer.answers.get(self.path, (404, {"detail": "Not Found"}))
                if status == 0:
                    self.wfile.write(content)
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(
                    content if isinstance(content, bytes) else json.dumps(content).encode()
                )

            do_POST = do_GET  # noqa: N815 - the name that the library asks for

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Own)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    own = Answers()
    yield own
    own.close()


def run(server, *words):
    return RUN.invoke(app, [*words, "--address", server.address, "--key", "fb_k"])


def refused(*asked):
    with pytest.raises(RunError) as found:
        ask(*asked)
    (problem,) = found.value.problems
    assert problem.found
    assert problem.allowed
    assert problem.fix
    return problem


def test_status_says_who_is_in_control_why_it_stopped_and_what_happened(server):
    stage = {"staging": STAGING, "verdict": {"decision": "hold", "reason": "12 of 40 blocks"}}
    server.answers = {"/v1/status": (200, STATUS), "/v1/stage": (200, stage)}

    found = run(server, "status")

    assert found.exit_code == 0
    assert found.stdout.splitlines() == [
        "stand: rule:steady is in control; stop tripped: smoke",
        "comparison 3: canary, 25% of the blocks",
        "verdict: hold; 12 of 40 blocks",
        "10:00 off the field late, 3 times",
    ]
    assert {own[3] for own in server.asked} == {"bearer fb_k"}


def test_status_as_json_is_what_the_server_said(server):
    stage = {"staging": STAGING, "verdict": None}
    server.answers = {"/v1/status": (200, STATUS), "/v1/stage": (200, stage)}

    found = run(server, "status", "--json")

    assert json.loads(found.stdout) == STATUS | {"stage": stage}


@pytest.mark.parametrize(
    ("command", "deed"),
    [("advance", "advance"), ("promote", "promote"), ("rollback", "roll_back")],
)
def test_each_command_asks_for_its_deed_with_the_reason(server, command, deed):
    server.answers = {"/v1/stage": (200, {"staging": STAGING})}

    found = run(server, command, "--why", "agreed")

    assert found.stdout == "comparison 3: canary; rule:steady is in control\n"
    assert server.asked[0][:3] == ("POST", "/v1/stage", {"deed": deed, "why": "agreed"})


def test_stop_sends_the_reason_and_says_where_the_plant_stands(server):
    server.answers = {"/v1/stop": (200, {"mode": "tripped", "reasons": ["ann: smoke"]})}

    found = run(server, "stop", "smoke")

    assert found.stdout == "tripped: ann: smoke\n"
    assert server.asked[0][:3] == ("POST", "/v1/stop", {"reason": "smoke"})


def test_stop_without_a_server_lays_the_file_that_a_station_heeds(tmp_path):
    found = RUN.invoke(app, ["stop", "smoke", "--folder", str(tmp_path)])

    assert found.exit_code == 0
    assert (tmp_path / "STOP").read_text() == "smoke"


def test_stop_says_so_where_the_folder_is_none(tmp_path):
    found = RUN.invoke(app, ["stop", "smoke", "--folder", str(tmp_path / "none")])

    assert found.exit_code == 2
    assert "cannot be read or written" in found.stderr


def test_a_refusal_comes_out_in_its_five_parts_and_with_code_2(server):
    server.answers = {"/v1/stop": (403, {"problems": [PROBLEM]})}

    found = run(server, "stop", "smoke")

    assert found.exit_code == 2
    for text in ("role  (2 more like it)", "ann, viewer", "operator", "ask"):
        assert text in found.stderr


@pytest.mark.parametrize(
    "answer",
    [(404, {"detail": "Not Found"}), (502, b"<html>bad gateway</html>"), (500, {"problems": 1}),
     (500, [1]), (403, {"problems": [{"where": "x"}]})],
)  # fmt: skip
def test_another_server_than_ours_is_told_by_its_code(server, answer):
    server.answers = {"/v1/status": answer}

    problem = refused(server.address, "", "GET", "/v1/status")

    assert problem.where == f"{server.address}/v1/status"
    assert f"answer {answer[0]}" in problem.found


@pytest.mark.parametrize("answer", [(200, b"no JSON"), (0, b"SSH-2.0-OpenSSH\r\n"), (0, b"")])
def test_what_speaks_another_language_is_no_answer(server, answer):
    server.answers = {"/v1/status": answer}

    problem = refused(server.address, "", "GET", "/v1/status")

    assert (problem.where, "no answer" in problem.found) == (server.address, True)


def test_where_nobody_listens_the_way_to_stop_is_told_all_the_same():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

        problem = refused(address, "", "GET", "/v1/status")

    assert "flyball stop --folder" in problem.fix


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://plant", "127.0.0.1:8480", ""])
def test_nothing_but_http_is_asked(address):
    problem = refused(address, "", "GET", "/v1/status")

    assert "no address of http or https" in problem.found
