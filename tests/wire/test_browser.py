"""A page's script reads a stream, and two of a page watch a run, in a real browser: another origin, so CORS counts.

Skipped where Chromium is missing, unless DREY_REQUIRE names the browser.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import someone
from tests.wire.agent_runs import Agents, call

PAGE = """\
<!doctype html><title>reader</title><pre id="told"></pre><img src="/hold"><script>
const told = document.getElementById("told");
const say = (line) => { told.textContent += line + "\\n"; };
async function read() {
  const answer = await fetch("%(url)s/v1/chat/completions", {
    method: "POST",
    headers: {"Authorization": "Bearer %(key)s", "Content-Type": "application/json"},
    body: JSON.stringify({model: "%(model)s", stream: true, max_tokens: 40, stream_options: {include_usage: true},
                          messages: [{role: "user", content: "Squirrels?"}]}),
  });
  say("status " + answer.status);
  say("generation " + answer.headers.get("x-drey-generation-id"));
  say("provider " + answer.headers.get("x-drey-provider"));
  const reader = answer.body.getReader(), words = new TextDecoder();
  let pieces = 0, text = "", rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    pieces += 1;
    rest += words.decode(value, {stream: true});
    const lines = rest.split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "data: [DONE]") say("done");
      else if (line.startsWith("data: ")) {
        const chunk = JSON.parse(line.slice(6));
        text += (chunk.choices[0] || {delta: {}}).delta.content || "";
        if (chunk.usage) say("cost " + chunk.usage.cost);
      }
    }
  }
  say("pieces " + pieces);
  say("text " + text);
}
read().catch((error) => say("failed " + error)).finally(() => { say("over"); fetch("/over"); });
</script>
"""


WATCHERS = """\
<!doctype html><title>watchers</title><pre id="told"></pre><img src="/hold"><script>
const told = document.getElementById("told");
const say = (line) => { told.textContent += line + "\\n"; };
const ask = (path, body) => fetch("%(url)s" + path, {
  method: "POST", body, headers: {"Authorization": "Bearer %(key)s", "Content-Type": "application/json"},
}).then((answer) => answer.json());
async function watch(name, ready) {
  const {url} = await ask("/v1/live/ticket");
  const socket = new WebSocket(url), seen = [];
  socket.onopen = () => socket.send(JSON.stringify({action: "subscribe", runId: "%(run)s"}));
  return new Promise((over, failed) => {
    socket.onerror = () => failed("the socket of " + name);
    socket.onclose = () => failed("closed on " + name);
    socket.onmessage = ({data}) => {
      const frame = JSON.parse(data);
      if (frame.type === "ack") ready();
      if (frame.type === "error") failed(data);
      if (frame.type === "step" || frame.type === "done") seen.push([frame.seq, frame.data.type]);
      if (frame.type === "done") { say(name + " " + JSON.stringify(seen)); over(); }
    };
  });
}
let watching = 0;
const ready = () => { watching += 1; if (watching === 2) ask("/v1/agents/runs/%(run)s/approve", "{}"); };
Promise.all([watch("one", ready), watch("two", ready)])
  .catch((error) => say("failed " + error)).finally(() => { say("over"); fetch("/over"); });
</script>
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None and "browser" in os.environ.get("DREY_REQUIRE", ""):
        pytest.fail("DREY_REQUIRE names the browser, and there is no Chromium here")
    if found is None:
        pytest.skip("there is no Chromium here (Debian's package is `chromium`)")
    return found


@contextmanager
def serving(page: str) -> Iterator[str]:
    """Chromium prints a page when all of it is loaded: a picture is held back until the script has read the stream."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/hold":
                over.wait(60)
            if self.path == "/over":
                over.set()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def read(chromium: str, page: str, profile: Path) -> dict[str, str]:
    """What the page said when it was over: a line's first word -> the rest of it."""
    with serving(page) as address:
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--no-proxy-server", "--dump-dom", address]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)
    told = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told, done.stderr[-2_000:]
    lines = {line.partition(" ")[0]: line.partition(" ")[2] for line in unescape(told[1]).splitlines()}
    assert "failed" not in lines, lines
    return lines


def test_two_sockets_of_a_page_see_the_same_events_of_a_run(
    chromium: str, understudy: Platform, inside: Platform, tmp_path: Path
) -> None:
    agents = Agents(someone(inside))
    agents.will(call("calculator", expression="6 * 7"))
    run_id = agents.until(agents.run(requireApproval=["calculator"])["runId"], "awaiting_approval")["runId"]
    page = WATCHERS % {"url": understudy.url, "key": agents.holder.api_key, "run": run_id}
    lines = read(chromium, page, tmp_path)
    stored = [[step["seq"], step["type"]] for step in agents.until(run_id)["steps"]]
    assert json.loads(lines["one"]) == json.loads(lines["two"]) == stored
    assert stored[-1][1] == "done"


def test_a_page_of_another_origin_reads_a_stream(chromium: str, understudy: Platform, tmp_path: Path) -> None:
    page = PAGE % {"url": understudy.url, "key": understudy.key, "model": fresh("gpt")}
    lines = read(chromium, page, tmp_path)
    assert (lines["status"], lines["provider"]) == ("200", "openai")
    assert lines["generation"].startswith("gen-"), "a header that CORS lets the page see"
    assert float(lines["cost"]) > 0
    assert lines["text"]
    assert {"done", "over"} <= set(lines)
