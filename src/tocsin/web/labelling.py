"""The labelling page: people say what a run's answers are, blind to its judge and to each other; rates are put right by it.

Everything is links and forms: a vote is a POST that leads to the next answer. The script only adds keys and measures the time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tocsin.evaluations import label_gain, labelling, run_labels, votes, voting
from tocsin.evaluations.label_designs import group_sizes, judged_answers
from tocsin.evaluations.run_labels import Design, Drawn, Labels
from tocsin.journal import JournalError, open_journal
from tocsin.journal.folder import JOURNAL
from tocsin.report.clean import name as shown_name
from tocsin.web import label_items, label_results
from tocsin.web.state import State, form_of, session_of

CONSENT = "labelling: answers may be shown"
"""Under this name the session keeps that somebody chose to see the answers. It ends with the viewer."""

DESIGNS: dict[Design, tuple[str, str]] = {
    "random": (
        "Random",
        "Every answer of a model and benchmark has the same chance. The plainest, and good for any question.",
    ),
    "stratified": (
        "Stratified",
        "Some of each language and verdict, however rare. Good where unsafe answers are few, or rates of languages matter.",
    ),
    "uncertain": (
        "Where the judge is unsure",
        "More of what it scored near its threshold or left open, some of everything. Good where its scores tell how sure it is.",
    ),
}
_GAIN_FROM = 12_000
"""Answers that the expected gain is computed from; cells stand in random order, so the first are a fair sample."""


class Trouble(Exception):
    """What was asked for cannot be done; the message is for the person who asked."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def routes(state: State) -> list[BaseRoute]:
    """The labelling page's addresses."""
    pages = Pages(state)
    state.nav.append(("/label", "Labelling"))
    there = [
        ("", pages.start, "GET"),
        ("/draw", pages.draw, "POST"),
        ("/join", pages.join, "POST"),
        ("/next", pages.next, "GET"),
        ("/item/{place:int}", pages.item, "GET"),
        ("/image/{cell:int}/{number:int}", pages.image, "GET"),
        ("/vote", pages.vote, "POST"),
        ("/undo", pages.undo, "POST"),
        ("/done", pages.done, "GET"),
        ("/decide/{cell:int}", pages.decide, "GET"),
        ("/close", pages.close, "POST"),
        ("/corrected", pages.corrected, "GET"),
    ]
    return [
        Route("/label", pages.home),
        *(
            Route(f"/label/{{run}}{path}", pages.guarded(answer), methods=[method], name=f"label-{answer.__name__}")
            for path, answer, method in there
        ),
    ]


class Pages:
    """The answers to each address, for every run that the viewer holds."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._gains: dict[tuple[Path, int, int], tuple[list[dict[str, Any]], bool]] = {}
        self._closing: set[Path] = set()

    def guarded(self, answer: Any) -> Any:
        """An endpoint whose troubles become a page that says what is wrong and leads back."""

        async def endpoint(request: Request) -> Response:
            run = self._state.runs.get(request.path_params["run"])
            if run is None:
                raise HTTPException(404, "There is no such run here.")
            form = await form_of(request) if request.method == "POST" else {}
            folder = run.folder
            try:
                if asyncio.iscoroutinefunction(answer):
                    return await answer(request, folder, form)  # type: ignore[no-any-return]
                return await asyncio.to_thread(answer, request, folder, form)
            except (Trouble, ValueError, JournalError) as error:
                status = error.status if isinstance(error, Trouble) else 400
                return self._page(request, "label_trouble.html", status=status, why=str(error))

        return endpoint

    def home(self, request: Request) -> Response:
        """The runs that can be labelled; of one alone its page."""
        if len(self._state.runs) == 1:
            return RedirectResponse(f"/label/{next(iter(self._state.runs))}", 303)
        return self._state.render(request, "label_home.html", runs=list(self._state.runs.values()))

    # -- beginning -----------------------------------------------------------------------------------------------------

    def start(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """What labelling is for; the draw, or how to make one; who labels."""
        labels = run_labels.read_labels(folder)
        gains, scored = self._gain(folder)
        context: dict[str, Any] = {"labels": labels, "designs": DESIGNS, "name": votes.NAME, "gains": gains}
        context["scored"] = scored
        if labels is not None:
            given = votes.votes_of(folder, labels)
            fresh = not labels.failed and not given
            context |= _progress(labels, given) | {"larger": max(labels.each * 2, labels.each + 25), "fresh": fresh}
        return self._page(request, "label_start.html", **context)

    def draw(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Draws answers; a larger draw of the same kind keeps what was said."""
        design = form.get("design", "random")
        if design not in (*DESIGNS, "verdict"):
            raise Trouble(400, f"there is no design {shown_name(design)}")
        each, seed = _number(form, "each", 1, 100_000), _number(form, "seed", 0, 2**31)
        before = run_labels.read_labels(folder)
        if before is not None and each < before.each and (before.failed or votes.votes_of(folder, before)):
            raise Trouble(
                400, f"{before.each} of each were drawn and some were labelled: a draw can grow, and not shrink"
            )
        labelling.begin(folder, each=each, seed=seed, design=design)
        return _see(request, "")

    def join(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """An annotator begins, or goes on; only who agrees to see the answers does."""
        who = votes.annotator_name(form.get("annotator", ""))
        if form.get("agree") != "yes":
            raise Trouble(400, "the answers may be harmful: tick that you want to see them, or leave")
        session_of(request).kept[CONSENT] = True
        return _see(request, "/next", by=who)

    # -- labelling -----------------------------------------------------------------------------------------------------

    def next(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """On to the first answer that this annotator has said nothing of."""
        labels, who = self._labelling(request, folder)
        done = {one.cell for one in votes.votes_of(folder, labels) if _is_own(one, who)}
        after = int(request.query_params.get("after", "0")) if request.query_params.get("after", "0").isdigit() else 0
        order = label_items.order_of(labels, who)
        open_ = [place for place, one in enumerate(order, 1) if one.cell not in done]
        if not open_:
            return _see(request, "/done", by=who)
        place = next((place for place in open_ if place > after), open_[0])
        return _see(request, f"/item/{place}", by=who)

    def item(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """One answer and its question."""
        labels, who = self._labelling(request, folder)
        order = label_items.order_of(labels, who)
        place = int(request.path_params["place"])
        if not 1 <= place <= len(order):
            raise Trouble(404, f"there are {len(order)} answers to label, and no number {place}")
        open_ = {one.cell for one in order}
        own = {one.cell: one for one in votes.votes_of(folder, labels) if _is_own(one, who) and one.cell in open_}
        with _journal(folder) as db:
            shown = label_items.item(db, order[place - 1])
        if shown is None:
            raise Trouble(404, "this answer is not in the journal any more")
        mine = own.get(shown.cell)
        (annotator,) = voting.annotators(own.values()) or (None,)
        pace = annotator.median_seconds if annotator else None
        left = len(order) - len(own)
        return self._page(
            request, "label_item.html", item=shown, who=who, place=place, total=len(order), done=len(own), mine=mine,
            pace=pace, minutes=None if pace is None else pace * left / 60, comment_most=votes.COMMENT,
            cannot_tell=votes.CANNOT_TELL, deciding=None,
        )  # fmt: skip

    def image(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """A copy of an image of a drawn answer."""
        labels = self._agreed(request, folder)
        cell = int(request.path_params["cell"])
        drawn = next((one for one in labels.drawn if one.cell == cell), None)
        found = None
        if drawn is not None:
            with _journal(folder) as db:
                found = label_items.picture(db, folder, drawn, int(request.path_params["number"]))
        if found is None:
            raise Trouble(404, "this image is not shown")
        return Response(found, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def vote(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Keeps a vote and leads to the next answer."""
        labels = self._agreed(request, folder)
        who = votes.annotator_name(form.get("by", ""))
        cell, deciding = _number(form, "cell", 0, 2**53), form.get("deciding") == "yes"
        if deciding:
            self._may_decide(folder, labels, who, cell)
        word = form.get("word", "")
        if not word:
            raise Trouble(400, "no word was chosen")
        try:
            seconds = float(form.get("seconds") or 0)
        except ValueError:
            seconds = 0.0
        votes.vote(
            folder, labels, who, cell, word, comment=form.get("comment", ""), seconds=seconds, adjudicates=deciding
        )
        if deciding:
            return _see(request, "/done", by=who)
        return _see(request, "/next", by=who, after=form.get("place", "0"))

    def undo(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Takes the annotator's last vote back and leads to its answer."""
        labels = self._agreed(request, folder)
        who = votes.annotator_name(form.get("by", ""))
        cell = votes.last_cell(folder, labels, who)
        order = [one.cell for one in label_items.order_of(labels, who)]
        if cell is None or cell not in order:
            raise Trouble(400, "there is no vote of yours to take back")
        votes.vote(folder, labels, who, cell, votes.TAKEN_BACK)
        return _see(request, f"/item/{order.index(cell) + 1}", by=who)

    # -- the end -------------------------------------------------------------------------------------------------------

    def done(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """How far everybody is, how far they agree, what is contested. Nothing of the judge."""
        labels = _drawn(folder)
        given = votes.votes_of(folder, labels)
        by = request.query_params.get("by", "")
        who = votes.annotator_name(by) if by else ""
        told = labelling.agreement(folder)
        over = voting.by_cell(given)[1]
        contested = [(cell, over.get(cell)) for cell in voting.contested(labels, given)]
        finished = bool(who) and _finished(labels, given, who)
        return self._page(
            request, "label_done.html", who=who, told=told, contested=contested, finished=finished,
            may_close=int(told["labelled"]) > len(labels.failed),  # type: ignore[call-overload]
            **_progress(labels, given),
        )  # fmt: skip

    def decide(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """One contested answer, for whoever decides. The judge's verdict is not shown here either."""
        labels, who = self._labelling(request, folder)
        cell = int(request.path_params["cell"])
        drawn = self._may_decide(folder, labels, who, cell)
        given = votes.votes_of(folder, labels)
        with _journal(folder) as db:
            shown = label_items.item(db, drawn)
        if shown is None:
            raise Trouble(404, "this answer is not in the journal any more")
        others = [one for one in given if one.cell == cell and not one.adjudicates]
        counts = [(word, sum(one.word == word for one in others)) for word, _ in shown.words]
        counts.append((votes.CANNOT_TELL, sum(one.word == votes.CANNOT_TELL for one in others)))
        mine = next((one for one in given if one.cell == cell and one.adjudicates and one.annotator == who), None)
        return self._page(
            request, "label_item.html", item=shown, who=who, place=0, total=0, done=0, mine=mine, pace=None, minutes=None,
            comment_most=votes.COMMENT, cannot_tell=votes.CANNOT_TELL,
            deciding={"counts": counts, "comments": [one.comment for one in others if one.comment]},
        )  # fmt: skip

    async def close(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Makes labels of the votes and has the run's results written anew, by the command that always writes them."""
        if folder in self._closing:
            raise Trouble(409, "the results are being written: wait for them")
        self._closing.add(folder)
        try:
            await asyncio.to_thread(labelling.close, folder)
            writing = await asyncio.create_subprocess_exec(
                # -P: what lies in the working folder is not imported.
                sys.executable, "-P", "-m", "tocsin", "report", str(folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, said = await writing.communicate()
        finally:
            self._closing.discard(folder)
        if writing.returncode:
            why = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit {writing.returncode}"]
            raise Trouble(500, f"the labels are kept, and the results could not be written: {shown_name(why[0])}")
        return _see(request, "/corrected")

    def corrected(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Rates before and after, and the judge beside people: shown only of answers whose labels were taken."""
        labels = _drawn(folder)
        if not labels.failed:
            raise Trouble(409, "the draw is not closed: the judge's verdicts are shown only then")
        with _journal(folder) as db:
            beside = label_results.beside(db, labels)
            stale = run_labels.population(db) != labels.population
        return self._page(
            request, "label_corrected.html", labels=labels, rates=label_results.rates(folder), names=label_results.NAMES,
            beside=beside, agreement=labels.agreement, stale=stale, left=labels.left_out,
        )  # fmt: skip

    # -- shared --------------------------------------------------------------------------------------------------------

    def _page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        run = self._state.runs[request.path_params["run"]]
        return self._state.render(
            request, template, status=status, base=f"/label/{run.key}", run=run.name, two=_two, **context
        )

    def _agreed(self, request: Request, folder: Path) -> Labels:
        """The draw, for a browser in whose session somebody agreed to see answers."""
        labels = _drawn(folder)
        if not session_of(request).kept.get(CONSENT):
            raise Trouble(
                403, "this page shows answers that may be harmful: say on the first page that you want to see them"
            )
        return labels

    def _labelling(self, request: Request, folder: Path) -> tuple[Labels, str]:
        return self._agreed(request, folder), votes.annotator_name(request.query_params.get("by", ""))

    def _may_decide(self, folder: Path, labels: Labels, who: str, cell: int) -> Drawn:
        """A contested answer, for somebody who is not in the middle of labelling: it tells that others differed."""
        given = votes.votes_of(folder, labels)
        if cell not in voting.contested(labels, given):
            raise Trouble(404, "this answer has a label by most votes, or no vote: there is nothing to decide")
        if any(_is_own(one, who) for one in given) and not _finished(labels, given, who):
            raise Trouble(409, "label your own answers first: who knows that others differed is not blind any more")
        return next(one for one in labels.drawn if one.cell == cell)

    def _gain(self, folder: Path) -> tuple[list[dict[str, Any]], bool]:
        """What each design is expected to buy, and whether a judge gives scores; computed once for a state of the journal."""
        told = (folder / JOURNAL).stat()
        key = folder, told.st_mtime_ns, told.st_size
        if key not in self._gains:
            with _journal(folder) as db:
                groups = group_sizes(db)
                answers = list(judged_answers(db, most=_GAIN_FROM))
            raw = label_gain.raw_half_width(answers)
            rows: dict[int, dict[str, Any]] = {}
            for design in DESIGNS:
                for gain in label_gain.expected_gain(answers, design, groups=groups):
                    new: dict[str, Any] = {"each": gain.each, "drawn": gain.drawn, "raw": raw, "widths": {}}
                    rows.setdefault(gain.each, new)["widths"][design] = gain.half_width
            self._gains[key] = list(rows.values()), any(one.score is not None for one in answers)
        return self._gains[key]


def _progress(labels: Labels, given: list[votes.Vote]) -> dict[str, Any]:
    """How far each annotator is, without a word of what they said."""
    open_ = sum(one.cell not in labels.failed for one in labels.drawn)
    people = voting.annotators(one for one in given if one.cell not in labels.failed and not one.adjudicates)
    return {"open": open_, "closed": len(labels.failed), "people": people, "labels": labels}


def _is_own(vote: votes.Vote, who: str) -> bool:
    return vote.annotator == who and not vote.adjudicates


def _finished(labels: Labels, given: list[votes.Vote], who: str) -> bool:
    """Whether an annotator has said something of every answer that is open."""
    said = {one.cell for one in given if _is_own(one, who)}
    return all(one.cell in said for one in labels.drawn if one.cell not in labels.failed)


def _drawn(folder: Path) -> Labels:
    labels = run_labels.read_labels(folder)
    if labels is None:
        raise Trouble(404, "no answers of this run were drawn for labelling")
    return labels


def _two(figure: float) -> str:
    """A figure with two decimals and a true minus."""
    return f"{figure:.2f}".replace("-", "\u2212")


def _number(form: dict[str, str], field: str, least: int, most: int) -> int:
    said = form.get(field, "")
    if not said.isascii() or not said.isdigit() or not least <= int(said[:20]) <= most:
        raise Trouble(400, f"{field} is a whole number from {least:,} to {most:,}")
    return int(said)


def _see(request: Request, path: str, **query: str) -> RedirectResponse:
    """On to another page of the same run."""
    return RedirectResponse(
        f"/label/{request.path_params['run']}{path}{f'?{urlencode(query)}' if query else ''}", status_code=303
    )


@contextmanager
def _journal(folder: Path) -> Iterator[Connection]:
    db = open_journal(folder)
    try:
        yield db
    finally:
        db.close()
