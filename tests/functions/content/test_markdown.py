"""Whatever a writer, or an agent, puts into Markdown: nothing that runs comes out of it."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import markdown
from llm_core.errors import InvalidRequest
from tests.conftest import ROOT


def render(text: str) -> str:
    return markdown.render(text)[0]


def summary(text: str) -> str:
    return markdown.render(text)[1]


ALLOWED = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li", "pre", "code"),
    *("em", "strong", "s", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title", "rel"}, "img": {"src", "alt", "title"}, "code": {"class"}, "ol": {"start"}}

CORPUS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    '<svg onload="alert(1)"><animate onbegin=alert(1) attributeName=x dur=1s>',
    "<svg><script>alert&#40;1)</script>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<style>@import 'javascript:alert(1)';</style>",
    '<a href="javascript:alert(1)">x</a>',
    "<details open ontoggle=alert(1)>",
    '<object data="data:text/html,<script>alert(1)</script>">',
    '<base href="javascript:/a/-alert(1)///////">',
    '<form action="javascript:alert(1)"><input type=submit>',
    '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://a.example/1)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![x](x "onerror=alert(1)")',
    '![" onerror="alert(1)](x)',
    '[x](https://a.example/" onmouseover="alert(1))',
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    "[x](https://a.example/'onclick=alert(1)//)",
    '```" onclick="alert(1)\ncode\n```',
    '```"><script>alert(1)</script>\ncode\n```',
    "`<script>alert(1)</script>`",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "# <script>alert(1)</script>",
    "> <svg/onload=alert(1)>",
    "- [x](javascript&colon;alert(1))",
    "**<b onclick=alert(1)>**",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\\<script>alert(1)\\</script>",
    "</p><script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "\x00<script>alert(1)</script>",
    "＜script＞alert(1)＜/script＞",
    "[a](https://a.example)<script>1</script>[b](javascript:1)",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "[x](\u200bjavascript:alert(1))",
    "[x]( javascript:alert(1))",
    "<a href='https://a.example' style='background:url(javascript:alert(1))'>x</a>",
]


class Parsed(HTMLParser):
    """Every tag and attribute that a browser could see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


def harmless(html: str) -> bool:
    for tag, attributes in Parsed(html).tags:
        assert tag in ALLOWED, html
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), html
        for name in ("href", "src"):
            address = re.sub(r"[\x00-\x20]", "", attributes.get(name, ""))
            scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", address)
            assert scheme is None or scheme[1].lower() in ("http", "https", "mailto"), html
        assert re.fullmatch(r"(language-[\w+#-]+)?", attributes.get("class", "")), html
    return True


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_nothing_of_the_corpus_runs(text: str) -> None:
    assert harmless(render(text))


@given(
    st.lists(st.sampled_from([*CORPUS, "\n\n", "> ", "- ", "`", "*", "[", "](", ")", '"', "<", ">", "&"]), max_size=8)
)
@settings(max_examples=150)
def test_nothing_runs_when_pieces_of_it_are_put_together(pieces: list[str]) -> None:
    assert harmless(render("".join(pieces)))


def test_the_test_would_notice() -> None:
    for bad in ("<script>1</script>", "<a href='javascript:1'>x</a>", "<p onclick=1>x</p>", '<code class="x y">'):
        with pytest.raises(AssertionError):
            harmless(bad)


def test_markdown_is_what_people_expect() -> None:
    text = '## A *title*\n\n1. one\n2. [two](https://a.example "t")\n\n```python\nx = "<b>"\n```\n'
    text += "\n| a | b |\n|---|---|\n| 1 | ~~2~~ |"
    html = render(text)
    assert "<h2>A <em>title</em></h2>" in html
    assert '<a href="https://a.example" title="t" rel="noopener noreferrer">two</a>' in html
    assert '<pre><code class="language-python">x = "&lt;b&gt;"' in html
    assert "<td><s>2</s></td>" in html
    assert "<img " in render("![a squirrel](/images/squirrel.png)")


def test_a_summary_is_the_first_paragraph_in_plain_words() -> None:
    assert (
        summary("# Title\n\nA *hold* is\nmoney, `set` [aside](https://a.example).\n\nMore.")
        == "A hold is money, set aside."
    )
    assert summary("# Only a title") == ""
    long = summary("word " * 100)
    assert len(long) <= 200
    assert long.endswith("…")


def test_html_far_larger_than_its_markdown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MOST_HTML", 4_000)
    with pytest.raises(InvalidRequest, match="4 MB"):
        render("&" * 1_000)


def test_a_door_that_only_reads_never_loads_what_reads_markdown() -> None:
    script = "import content.read, sys; print('nh3' in sys.modules or 'markdown_it' in sys.modules)"
    path = f"{ROOT / 'layers/llm_core'}:{ROOT / 'functions'}"
    environment = {"PYTHONPATH": path, "POWERTOOLS_TRACE_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"
