"""Who labels a run sees nothing of its records until the labels are closed; who has seen them gives votes that say so.

The one rule, for every page that shows verdicts. A session becomes an annotator's when somebody joins the labelling of a run in
it, and one that has looked at the run when a record, or a list that was filtered, sorted or searched, was opened in it. The list
as it opens by itself shows no text, and nothing that leads from one to a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.evaluations import run_labels
from tocsin.web.session import Session
from tocsin.web.state import State, session_of

RECORDS = "/"
"""Address of the list of records."""
_JOINED, _LOOKED = "labelling: joined", "labelling: looked at records"
"""Under these names the session keeps run → annotators who joined, and the runs whose records were opened."""


def join(session: Session, run: str, annotator: str) -> None:
    """Somebody labels a run in this browser, and agreed to see its answers."""
    _joined(session).setdefault(run, set()).add(annotator)


def joined(session: Session, run: str) -> set[str]:
    """Who labels a run in this browser."""
    return _joined(session).get(run, set())


def looked(session: Session, run: str) -> bool:
    """Whether verdicts of a run may be known in this browser."""
    return run in _looked(session)


def look(session: Session, run: str) -> None:
    """The run's records are shown from here on: whoever labels it in this browser has to join anew, and is not blind then."""
    _looked(session).add(run)
    _joined(session).pop(run, None)


def labelling(state: State, session: Session, run: str) -> bool:
    """Whether this browser is an annotator's of a run that has open answers: its verdicts are shown nowhere then."""
    if run not in _joined(session):
        return False
    try:
        labels = run_labels.read_labels(state.runs[run].folder)
    except (OSError, ValueError):  # nobody knows what is open
        return True
    return labels is not None and any(one.cell not in labels.failed for one in labels.drawn)


def nav(state: State, session: Session) -> list[tuple[str, str]]:
    """What the head of a labelling page links to."""
    hidden = any(labelling(state, session, run) for run in state.runs)
    return [(address, title) for address, title in state.nav if not (hidden and address == RECORDS)]


def kept_from_annotators(state: State, routes: Sequence[Route]) -> list[Route]:
    """Pages of records, which answer an annotator that they are not shown, and remember who opened them."""
    return [Route(one.path, _kept(state, one.endpoint), methods=list(one.methods or ())) for one in routes]


def _kept(state: State, page: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        session, run = session_of(request), request.path_params.get("run")
        runs = [run] if run else list(state.runs)
        closed = [state.runs[key] for key in runs if key in state.runs and labelling(state, session, key)]
        if closed:
            shown = nav(state, session)
            return state.render(request, "label_blind.html", status=409, runs=closed, nav=shown)
        reply = page(request)
        if run or request.url.query:
            for key in runs:
                look(session, key)
        return reply

    return endpoint


def _joined(session: Session) -> dict[str, set[str]]:
    found = session.kept.setdefault(_JOINED, {})
    assert isinstance(found, dict), "nobody else keeps anything under this name"
    return found


def _looked(session: Session) -> set[str]:
    found = session.kept.setdefault(_LOOKED, set())
    assert isinstance(found, set), "nobody else keeps anything under this name"
    return found
