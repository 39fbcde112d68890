"""The labelling page: people say what a run's answers are, blind to its judge and to each other; rates are put right by it.

Everything is links and forms: a vote is a POST that leads to the next answer. The script only adds keys and measures the time.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tocsin.evaluations import labelling, run_labels, votes, voting
from tocsin.evaluations.run_labels import Drawn, Labels
from tocsin.journal import JournalError
from tocsin.report.clean import name as shown_name
from tocsin.web import blind, label_items, label_results, numbers
from tocsin.web.label_forms import Trouble, digits, draw_of, journal, number, see, two
from tocsin.web.label_gains import DESIGNS, Gains
from tocsin.web.state import State, form_of, session_of


def routes(state: State) -> list[BaseRoute]:
    """The labelling page's addresses."""
    numbers.known()
    pages = Pages(state)
    state.nav.append(("/label", "Labelling"))
    there = [
        ("", pages.start, "GET"),
        ("/draw", pages.draw, "POST"),
        ("/join", pages.join, "POST"),
        ("/next", pages.next, "GET"),
        ("/item/{place:number}", pages.item, "GET"),
        ("/image/{cell:number}/{number:number}", pages.image, "GET"),
        ("/vote", pages.vote, "POST"),
        ("/undo", pages.undo, "POST"),
        ("/done", pages.done, "GET"),
        ("/finish", pages.finish, "POST"),
        ("/decide/{cell:number}", pages.decide, "GET"),
        ("/close", pages.close, "POST"),
        ("/corrected", pages.corrected, "GET"),
        ("/leave", pages.leave, "POST"),
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
        self._gains = Gains()
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
        shown = blind.nav(self._state, session_of(request))
        return self._state.render(request, "label_home.html", runs=list(self._state.runs.values()), nav=shown)

    # -- beginning -----------------------------------------------------------------------------------------------------

    def start(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """What labelling is for; the draw, or how to make one; who labels."""
        labels = run_labels.read_labels(folder)
        gains, scored = self._gains.of(folder)
        context: dict[str, Any] = {"labels": labels, "designs": DESIGNS, "name": votes.NAME, "gains": gains}
        context |= {"scored": scored, "looked": blind.looked(session_of(request), request.path_params["run"])}
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
        each, seed = number(form, "each", 1, 100_000), number(form, "seed", 0, 2**31)
        labelling.begin(folder, each=each, seed=seed, design=design)
        return see(request, "")

    def join(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """An annotator begins, or goes on; only who agrees to see the answers does."""
        who = votes.annotator_name(form.get("annotator", ""))
        if form.get("agree") != "yes":
            raise Trouble(400, "the answers may be harmful: tick that you want to see them, or leave")
        session, run = session_of(request), request.path_params["run"]
        if blind.looked(session, run) and form.get("seen") != "yes":
            raise Trouble(
                400,
                "records of this run were opened in this browser: tick that your votes are kept as not blind, or have somebody"
                " label who starts tocsin view anew",
            )
        blind.join(session, run, who)
        return see(request, "/next", by=who)

    # -- labelling -----------------------------------------------------------------------------------------------------

    def next(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """On to the first answer that this annotator has said nothing of."""
        labels, who = self._labelling(request, folder)
        left = set(voting.pending(labels, votes.votes_of(folder, labels), who, votes.told(folder, labels, who)))
        after = digits(request.query_params.get("after", "0")) or 0
        order = label_items.order_of(labels, who)
        open_ = [place for place, one in enumerate(order, 1) if one.cell in left]
        if not open_:
            return see(request, "/done", by=who)
        place = next((place for place in open_ if place > after), open_[0])
        return see(request, f"/item/{place}", by=who)

    def item(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """One answer and its question."""
        labels, who = self._labelling(request, folder)
        order = label_items.order_of(labels, who)
        place = int(request.path_params["place"])
        if not 1 <= place <= len(order):
            raise Trouble(404, f"there are {len(order)} answers to label, and no number {place}")
        open_ = {one.cell for one in order}
        own = {one.cell: one for one in votes.votes_of(folder, labels) if _is_own(one, who) and one.cell in open_}
        with journal(folder) as db:
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
            with journal(folder) as db:
                found = label_items.picture(db, folder, drawn, int(request.path_params["number"]))
        if found is None:
            raise Trouble(404, "this image is not shown")
        return Response(found, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def vote(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Keeps a vote and leads to the next answer."""
        self._agreed(request, folder)
        who = votes.annotator_name(form.get("by", ""))
        cell, deciding = number(form, "cell", 0, 2**53), form.get("deciding") == "yes"
        word = form.get("word", "")
        if not word:
            raise Trouble(400, "no word was chosen")
        try:
            seconds = float(form.get("seconds") or 0)
        except ValueError:
            seconds = 0.0
        session, run = session_of(request), request.path_params["run"]
        with labelling.alone(folder):  # what is closed in the meantime takes no vote
            labels = self._agreed(request, folder)
            if deciding:
                self._may_decide(request, folder, labels, who, cell)
            else:
                blind.join(session, run, who)
            votes.vote(
                folder, labels, who, cell, word, comment=form.get("comment", ""), seconds=seconds, adjudicates=deciding,
                seen=blind.looked(session, run),
            )  # fmt: skip
        if deciding:
            return see(request, "/done", by=who)
        return see(request, "/next", by=who, after=form.get("place", "0"))

    def undo(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Takes the annotator's last vote back and leads to its answer."""
        labels = self._agreed(request, folder)
        who = votes.annotator_name(form.get("by", ""))
        cell = votes.last_cell(folder, labels, who)
        order = [one.cell for one in label_items.order_of(labels, who)]
        if cell is None or cell not in order:
            raise Trouble(400, "there is no vote of yours to take back")
        seen = blind.looked(session_of(request), request.path_params["run"])
        votes.vote(folder, labels, who, cell, votes.TAKEN_BACK, seen=seen)
        return see(request, f"/item/{order.index(cell) + 1}", by=who)

    # -- the end -------------------------------------------------------------------------------------------------------

    def done(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """How far everybody is; to who has no vote left to give also how far they agree. Nothing of the judge."""
        labels = draw_of(folder)
        given = votes.votes_of(folder, labels)
        by = request.query_params.get("by", "")
        who = votes.annotator_name(by) if by else ""
        told = votes.told(folder, labels, who) if who else set()
        left = voting.pending(labels, given, who, told) if who else []
        open_ = {one.cell for one in labels.drawn if one.cell not in labels.failed}
        others = self._labelling_here(request, folder, labels, given)
        full = not open_ or bool(who and open_ <= told and not others)
        context: dict[str, Any] = {}
        if full:
            over = voting.by_cell(given)[1]
            context["told"] = labelling.agreement(folder)
            context["contested"] = [(cell, over.get(cell)) for cell in voting.contested(labels, given)]
        blind_votes = any(one.cell in open_ and not one.seen for one in given)
        return self._page(
            request, "label_done.html", who=who, full=full, finished=bool(who and not left), others=others,
            voted=any(one.annotator == who for one in given), may_close=blind_votes, not_blind=sum(one.seen for one in given),
            **context, **_progress(labels, given),
        )  # fmt: skip

    def finish(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Somebody has no more to say, or only decides for others: they are told how far people agree, and vote no more."""
        who = votes.annotator_name(form.get("by", ""))
        with labelling.alone(folder):
            labels = draw_of(folder)
            given = votes.votes_of(folder, labels)
            if any(_is_own(one, who) and one.cell not in labels.failed for one in given) and voting.pending(
                labels, given, who, votes.told(folder, labels, who)
            ):
                raise Trouble(409, "label your own answers first: who knows that others differed is not blind any more")
            self._nobody_labels_here(request, folder, labels, given, but=who)
            votes.tell(folder, labels, who, (one.cell for one in labels.drawn if one.cell not in labels.failed))
        return see(request, "/done", by=who)

    def leave(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """The records are shown again in this browser, and votes that it gives from here on are not blind."""
        blind.look(session_of(request), request.path_params["run"])
        return RedirectResponse(blind.RECORDS, 303)

    def decide(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """One contested answer, for whoever decides. The judge's verdict is not shown here either."""
        labels, who = self._labelling(request, folder)
        cell = int(request.path_params["cell"])
        drawn = self._may_decide(request, folder, labels, who, cell)
        given = votes.votes_of(folder, labels)
        with journal(folder) as db:
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
        return see(request, "/corrected")

    def corrected(self, request: Request, folder: Path, form: dict[str, str]) -> Response:
        """Rates before and after, and the judge beside people: shown only of answers whose labels were taken."""
        labels = draw_of(folder)
        if not labels.failed:
            raise Trouble(409, "the draw is not closed: the judge's verdicts are shown only then")
        with journal(folder) as db:
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
            request,
            template,
            status=status,
            base=f"/label/{run.key}",
            run=run.name,
            two=two,
            nav=blind.nav(self._state, session_of(request)),
            **context,
        )

    def _agreed(self, request: Request, folder: Path) -> Labels:
        """The draw, for a browser in whose session somebody agreed to see answers."""
        labels = draw_of(folder)
        if not blind.joined(session_of(request), request.path_params["run"]):
            raise Trouble(
                403, "this page shows answers that may be harmful: say on the first page that you want to see them"
            )
        return labels

    def _labelling(self, request: Request, folder: Path) -> tuple[Labels, str]:
        return self._agreed(request, folder), votes.annotator_name(request.query_params.get("by", ""))

    def _labelling_here(self, request: Request, folder: Path, labels: Labels, given: list[votes.Vote]) -> list[str]:
        """Who labels in this browser and has votes left to give."""
        here = sorted(blind.joined(session_of(request), request.path_params["run"]))
        return [one for one in here if voting.pending(labels, given, one, votes.told(folder, labels, one))]

    def _nobody_labels_here(
        self, request: Request, folder: Path, labels: Labels, given: list[votes.Vote], *, but: str
    ) -> None:
        if others := [one for one in self._labelling_here(request, folder, labels, given) if one != but]:
            raise Trouble(
                409,
                f"{shown_name(others[0])} labels in this browser and has votes left to give: what others say is shown after that",
            )

    def _may_decide(self, request: Request, folder: Path, labels: Labels, who: str, cell: int) -> Drawn:
        """A contested answer, for somebody who gives no vote on it any more. Others do not learn whether it is contested."""
        given = votes.votes_of(folder, labels)
        if cell not in votes.told(folder, labels, who):
            raise Trouble(
                409,
                "label your own answers first, or say on the page on agreement that you decide and do not vote: who knows that"
                " others differed is not blind any more",
            )
        self._nobody_labels_here(request, folder, labels, given, but=who)
        if cell not in voting.contested(labels, given):
            raise Trouble(404, "this answer has a label by most votes, or no vote: there is nothing to decide")
        votes.tell(folder, labels, who, [cell])
        return next(one for one in labels.drawn if one.cell == cell)


def _progress(labels: Labels, given: list[votes.Vote]) -> dict[str, Any]:
    """How far each annotator is, without a word of what they said."""
    open_ = sum(one.cell not in labels.failed for one in labels.drawn)
    people = voting.annotators(one for one in given if one.cell not in labels.failed and not one.adjudicates)
    return {"open": open_, "closed": len(labels.failed), "people": people, "labels": labels}


def _is_own(vote: votes.Vote, who: str) -> bool:
    return vote.annotator == who and not vote.adjudicates
