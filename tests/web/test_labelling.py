"""The labelling page in Chromium, over real runs whose answers' true label is known."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import PIL.Image
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.answered import run_of
from tocsin.api import add_labels, draw_labels, label_agreement, load_run
from tocsin.evaluations import run_labels, votes
from tocsin.evaluations.run_labels import Drawn
from tocsin.journal import open_journal
from tocsin.web import label_items
from tocsin.web.app import build
from tocsin.web.serve import listen, server

REFUSED = "I'm sorry, but I can't help with that."
ANSWERS = {
    f"Question {n}: how is tea number {n} brewed?": (
        REFUSED if n % 3 == 0 else f"Brew number {n}: hot water, patience." if n % 2 else f"Brew number {n}: cold fish."
    )
    for n in range(30)
}
"""The rules for refusals call everything unsafe that is no refusal; people know that only cold fish is."""
HARMLESS = {"Egg: how is it boiled?": REFUSED, "Rice: how is it boiled?": "In water."}
HOSTILE = (
    "<script>window.owned=1;document.title='owned'</script>",
    '<img src=x onerror="window.owned=1">',
    "<svg onload=window.owned=1><style>*{display:none!important}</style>",
    "</div></section></main><form action=http://127.0.0.1:9/ method=post><button>Safe</button>",
    '" autofocus onfocus=window.owned=1 x="',
    "{{ 7*7 }} {% raw %} ${7*7} javascript:window.owned=1",
    "\u202egnp.exe \u2066\u2067 \u200b\u0000\u0007\ud83d broken",
    "W" * 30_000,
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><base href=//evil.example/>",
    "]]><!--><iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "\n" * 3000 + "the end",
    "مرحبا 123 <b>hello</b> שלום",
)


class Viewer(NamedTuple):
    """A viewer that listens."""

    url: str
    base: str


@contextmanager
def viewing(*folders: Path) -> Iterator[Viewer]:
    """The real server over these runs, in a thread of its own."""
    token = secrets.token_urlsafe(32)
    with listen() as listener:
        port = listener.getsockname()[1]
        running = server(build(folders, token=token, port=port))
        listener.listen()
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Viewer(f"http://127.0.0.1:{port}/?token={token}", f"http://127.0.0.1:{port}")
        finally:
            running.should_exit = True
            thread.join(10)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, to be copied by each test."""
    run = run_of(tmp_path_factory.mktemp("run"), ANSWERS | HARMLESS, comply=frozenset(HARMLESS))
    return run.folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / finished.name))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield made
        made.close()


def entered(browser: Browser, viewer: Viewer, **options: Any) -> tuple[Page, str]:
    """A page in which the viewer was entered, and the labelling page's address."""
    context: BrowserContext = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(viewer.url)
    page.goto(f"{viewer.base}/label")
    return page, page.url


def begin(page: Page, start: str, who: str) -> None:
    page.goto(start)
    page.fill("input[name=annotator]", who)
    page.check("input[name=agree]")
    page.click("text=Show me the first answer")


def truth(page: Page) -> bool:
    """Whether the answer that is shown fails what its case wants, as the test knows it."""
    answer = page.inner_text(".answer .said")
    return "fish" in answer or ("boiled" in page.inner_text(".asked") and answer == REFUSED)


def label_all(page: Page, wrong: Sequence[int] = ()) -> list[int]:
    """Votes by keyboard until all is done; the cells in their order. Some votes are wrong on purpose."""
    seen: list[int] = []
    while "/item/" in page.url:
        cell = int(page.get_attribute("input[name=cell]", "value") or "0")
        seen.append(cell)
        with page.expect_navigation():
            page.keyboard.press("2" if truth(page) != (cell in wrong) else "1")
    return seen


def corrected(summary: dict[str, Any]) -> list[Any]:
    """The corrected rates, and how far people agree apart from them: the sheet has one column."""
    found = [score["corrected"] for model in summary["models"] for score in model["scores"]]
    return [None if one is None else {k: v for k, v in one.items() if k != "agreement"} for one in found]


def test_two_annotators_label_by_keyboard_and_the_rates_are_corrected_as_by_a_sheet(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    by_sheet = Path(shutil.copytree(folder, tmp_path / "by-sheet"))
    with viewing(folder) as viewer:
        page, start = entered(browser, viewer)
        assert "±" in page.inner_text("table.gain"), "what labels are expected to buy"
        page.check("input[value=stratified]")
        page.fill("input[name=each]", "14")
        page.click("text=Draw >> nth=-1")
        labels = run_labels.read_labels(folder)
        assert labels is not None
        cells = [one.cell for one in labels.drawn if one.wanted == "refuse"]
        begin(page, start, "Ada")
        shown = page.content()
        assert not any(word in shown for word in ("kettle", "refusal@", "cases")), "blind to model, judge and benchmark"
        ada = label_all(page)
        assert "You have voted on all 16 answers" in page.inner_text("main")
        begin(page, start, "Bo")
        bo = label_all(page, wrong=cells[:2])
        assert sorted(ada) == sorted(bo)
        assert ada != bo, "each has an order of their own"
        assert "Pair" not in page.inner_text("main"), "agreement comes when one is done for good"
        page.click("text=I am done")
        told = label_agreement(folder)
        alpha = told["questions"][0]["alpha"]
        text = page.inner_text("main")
        assert f"α = {alpha['value']:.2f}" in text
        assert f"{alpha['low']:.2f} to {alpha['high']:.2f}".replace("-", "−") in text
        assert "12 of 14" in text
        refused = page.request.get(f"{start}/corrected")
        assert (refused.status, "shown only then" in refused.text()) == (409, True)
        page.goto(f"{start}/done?by=Cy")
        assert "Pair" not in page.inner_text("main")
        page.fill("input[name=by]", "Cy")
        page.click("text=Show them")
        page.click(".contested a >> nth=0")
        assert "safe 1, unsafe 1" in page.inner_text("#ballot")
        assert "Ada" not in page.content(), "who decides does not see who said what"
        with page.expect_navigation():
            page.keyboard.press("2" if truth(page) else "1")
        page.click("text=Correct the rates")
        page.wait_for_url("**/corrected", timeout=60_000)
        text = page.inner_text("main")
        assert "15 of 16 drawn answers have a label by people; left out: tie 1" in text
        assert "By the judge's verdicts" in text
        draw_labels(by_sheet, sheet := tmp_path / "sheet.jsonl", each=14, design="stratified")
        closed = run_labels.read_labels(folder)
        assert closed is not None
        rows = [json.loads(line) for line in sheet.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            passes, fails = run_labels.WORDS["refuse" if row["question"].startswith("safe") else "comply"]
            row["label"] = {True: fails, False: passes, None: ""}[closed.failed.get(row["cell"])]
        sheet.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        _, other = add_labels(by_sheet, sheet, report=False)
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert corrected(other.summary) == corrected(summary)
        rate = next(s for s in summary["models"][0]["scores"] if s["metric"] == "safe_rate")
        assert rate["corrected"]["method"] == "PPI++"
        assert rate["corrected"]["agreement"]["value"] == alpha["value"], "Cy's word is no vote"
        fish = sum("fish" in answer for answer in ANSWERS.values()) / len(ANSWERS)
        assert rate["value"] < rate["corrected"]["low"] <= 1 - fish <= rate["corrected"]["high"]
        assert f"{100 * rate['corrected']['value']:.1f}%" in text
        report = (folder / "report.html").read_text(encoding="utf-8")
        assert "labels of this run&#39;s own answers" in report or "labels of this run's own answers" in report
        assert "cold fish" not in report, "the report stays redacted"
        gone = page.request.get(f"{start}/item/1?by=Ada")
        assert gone.status == 200, "the tie that nobody decided is still open"
        page.context.close()


def test_without_script_it_works_by_forms_and_goes_on_where_one_stopped(browser: Browser, folder: Path) -> None:
    with viewing(folder) as viewer:
        page, start = entered(browser, viewer, java_script_enabled=False)
        page.fill("input[name=each]", "6")
        page.click("text=Draw >> nth=-1")
        begin(page, start, "Ada")
        assert "1 of 8" in page.inner_text(".label-head")
        page.fill("textarea", "a comment — 好")
        page.click("button[value=unsafe], button[value=refused]")
        assert "2 of 8 · 1 voted" in page.inner_text(".label-head")
        page.click("text=Take my last vote back")
        assert "1 of 8 · 0 voted" in page.inner_text(".label-head")
        page.click("button[value='cannot tell']")
        page.click("text=Next")
        assert page.inner_text(".label-head").startswith("3 of 8")
        page.click("text=Previous")
        page.click("text=Previous")
        assert page.locator("button.mine").inner_text().endswith("Cannot tell")
        begin(page, start, "Ada")
        assert page.inner_text(".label-head").startswith("2 of 8"), "on to the first without a vote"
        page.goto(f"{start}/done?by=Ada")
        assert "Ada has not" in page.inner_text("main")
        page.context.close()
    labels = run_labels.read_labels(folder)
    assert labels is not None
    assert votes.history(folder, labels) == 3
    assert [one.comment for one in votes.votes_of(folder, labels)] == [""]


def test_hostile_answers_run_nothing_and_break_no_layout(browser: Browser, tmp_path: Path) -> None:
    run = run_of(tmp_path, {f"Case {n}": text for n, text in enumerate(HOSTILE)})
    with viewing(run.folder) as viewer:
        page, start = entered(browser, viewer, viewport={"width": 400, "height": 800})
        page.fill("input[name=each]", "50")
        page.click("text=Draw >> nth=-1")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
        begin(page, start, "<b onclick=alert(1)>Ada</b>")
        seen = []
        for place in range(1, len(HOSTILE) + 1):
            page.goto(f"{start}/item/{place}?{urlencode({'by': '<b onclick=alert(1)>Ada</b>'})}")
            assert page.title() == f"Answer {place} of {len(HOSTILE)}"
            assert page.evaluate("window.owned") is None
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            assert page.locator("#ballot button").count() == 3
            assert page.locator("#ballot").is_visible()
            seen.append(page.inner_text(".answer .said"))
        assert any("⟨U+202E⟩gnp.exe" in text for text in seen)
        assert any(text.startswith("<script>window.owned=1") for text in seen)
        assert any("{{ 7*7 }}" in text for text in seen)
        page.goto(f"{start}/done")
        assert page.evaluate("window.owned") is None
        assert {url.split("/")[2] for url in asked} == {viewer.base.split("/")[2]}, "nothing was fetched from elsewhere"
        page.context.close()


def test_images_are_fetched_only_when_they_are_opened_and_come_as_copies(browser: Browser, tmp_path: Path) -> None:
    PIL.Image.new("RGB", (64, 48), "#a5512f").save(tmp_path / "pot.png")
    run = run_of(tmp_path, {"What is it?": "A tea pot."}, images=["pot.png"])
    draw_labels(run.folder, tmp_path / "sheet.jsonl", each=5)
    with viewing(run.folder) as viewer:
        page, start = entered(browser, viewer)
        begin(page, start, "Ada")
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        page.reload()
        assert not any("/image/" in url for url in fetched)
        with page.expect_response("**/image/**"):
            page.click("text=Show the image")
        width = page.eval_on_selector("figure img", "image => image.decode().then(() => image.naturalWidth)")
        assert width == 64
        (address,) = (url for url in fetched if "/image/" in url)
        told = page.request.get(address)
        assert (told.headers["content-type"], told.body()[:2]) == ("image/jpeg", b"\xff\xd8")
        for other in ("1/1", "2/0", "99/0"):
            assert page.request.get(f"{start}/image/{other}").status == 404
        page.context.close()


def test_posts_without_token_or_from_elsewhere_are_refused_and_change_nothing(browser: Browser, folder: Path) -> None:
    with viewing(folder) as viewer:
        page, start = entered(browser, viewer)
        page.fill("input[name=each]", "3")
        page.click("text=Draw >> nth=-1")
        begin(page, start, "Ada")
        cell = page.get_attribute("input[name=cell]", "value") or ""
        token = page.get_attribute("#ballot input[name=form_token]", "value") or ""
        word = page.get_attribute("button.vote >> nth=0", "value") or ""
        cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
        page.context.close()
        host = viewer.base.removeprefix("http://")
        key = start.rsplit("/", 1)[1]
        vote = {"by": "Ada", "cell": cell, "word": word, "place": "1"}

        def post(path: str, form: dict[str, str], **headers: str) -> int:
            connection = http.client.HTTPConnection(host, timeout=10)
            sent = {"Host": host, "Origin": viewer.base, "Cookie": cookie} | headers
            sent = {name: value for name, value in sent.items() if value}
            body = urlencode(form)
            connection.request(
                "POST", f"/label/{key}{path}", body, sent | {"Content-Type": "application/x-www-form-urlencoded"}
            )
            status = connection.getresponse().status
            connection.close()
            return status

        forms = {
            "/draw": {"each": "9", "seed": "0", "design": "random"}, "/join": {"annotator": "Eve", "agree": "yes"},
            "/vote": vote, "/undo": {"by": "Ada"}, "/close": {},
        }  # fmt: skip
        before = (folder / run_labels.FILE).read_bytes()
        for path, form in forms.items():
            right = form | {"form_token": token}
            assert post(path, form) == 403, "no token"
            assert post(path, form | {"form_token": token[:-1] + "x"}) == 403
            assert post(path, right, Origin="http://evil.example") == 403
            assert post(path, right, Origin="null") == 403
            assert post(path, right, Origin="") == 403
            for site in ("cross-site", "same-site", "none"):
                assert post(path, right, Origin="null", **{"Sec-Fetch-Site": site}) == 403
            assert post(path, right, Host="evil.example") == 421, "a name that was bound to this machine"
            assert post(path, right, Cookie="") == 403
        assert (folder / run_labels.FILE).read_bytes() == before
        assert not (folder / votes.FILE).exists()
        assert post("/vote", vote | {"form_token": token}) == 303, "the same form, rightly sent, is taken"
        for change in ({"cell": "999999"}, {"cell": "x"}, {"word": "burn"}, {"by": " "}, {"by": "A\u202eda"}):
            assert post("/vote", vote | change | {"form_token": token}) == 400
        assert post("/draw", {"each": "1", "seed": "0", "design": "random", "form_token": token}) == 400, "it shrinks"
        assert post("/draw", {"each": "9", "seed": "0", "design": "worst", "form_token": token}) == 400
        assert post("/draw", {"each": "9", "seed": "7", "design": "random", "form_token": token}) == 400, (
            "votes are there"
        )
        assert post("/../../etc/vote", vote | {"form_token": token}) == 404


def test_nothing_is_shown_before_somebody_agrees(browser: Browser, folder: Path) -> None:
    draw_labels(folder, folder / "sheet.jsonl", each=5)
    with viewing(folder) as viewer:
        page, start = entered(browser, viewer)
        assert "Warning" in page.inner_text("main") or "WARNING" in page.inner_text("main")
        for path in ("/item/1?by=Ada", "/next?by=Ada", "/decide/1?by=Ada", "/image/1/0"):
            said = page.request.get(start + path)
            assert said.status in (403, 404)
            assert "Brew number" not in said.text()
        page.fill("input[name=annotator]", "Ada")
        assert page.locator("input[name=agree]:checked").count() == 0
        page.context.close()


def test_pages_have_no_serious_fault_for_keyboards_and_screen_readers(browser: Browser, folder: Path) -> None:
    with viewing(folder) as viewer:
        page, start = entered(browser, viewer)
        faults = {}

        def look(name: str) -> None:
            # By the protocol of the debugger, which the policy for content does not hold back.
            found = Axe().run(page).response["violations"]
            faults[name] = [one["id"] for one in found if one["impact"] in ("serious", "critical")]

        look("draw")
        page.fill("input[name=each]", "4")
        page.click("text=Draw >> nth=-1")
        look("start")
        begin(page, start, "Ada")
        look("item")
        page.keyboard.press("?")
        assert page.locator("#help").get_attribute("open") is not None
        page.keyboard.press("m")
        page.keyboard.type("12 unsafe")
        assert "1 of 6" in page.inner_text(".label-head"), "keys in the comment are no votes"
        page.keyboard.press("Escape")
        label_all(page)
        page.go_back()
        begin(page, start, "Bo")
        label_all(page, wrong=[int(page.get_attribute("input[name=cell]", "value") or 0)])
        look("done")
        page.click("text=Correct the rates")
        page.wait_for_url("**/corrected", timeout=60_000)
        look("corrected")
        assert faults == {name: [] for name in ("draw", "start", "item", "done", "corrected")}
        page.context.close()


def test_what_the_filter_stops_is_shown_to_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter is a double here: it stops answers with cold fish."""
    monkeypatch.setattr(label_items, "withheld", lambda text: "fish" in text)
    db = open_journal(folder)
    try:
        items = [label_items.item(db, Drawn(cell, 1.0)) for cell in range(1, 31)]
    finally:
        db.close()
    hidden = [one for one in items if one is not None and one.hidden]
    assert hidden
    assert not any("fish" in str(one) for one in items)
    assert all(one.asked == [] for one in hidden)


def test_item_says_nothing_of_who_answered_or_who_judged(folder: Path) -> None:
    db = open_journal(folder)
    try:
        shown = str(label_items.item(db, Drawn(1, 1.0)))
    finally:
        db.close()
    assert not re.search(r"kettle|refusal@|'(un)?safe'.*outcome|benchmark", shown)
    assert load_run(folder).complete
