"""Transfer: what succeeded on one model, put to another, and how often it succeeds again.

An attack whose prompt follows from the case alone is run again as it was, with the same seed. Of one that reads what the target
answers, the user's turns of the conversation that succeeded are replayed word for word. The plain request goes along on the
same cases as a control: what it breaks needs no attack. Cases that fell to it alone are put only where there is no attack beside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tocsin.attacks import Attack
from tocsin.attacks.replay import Spoken, tag
from tocsin.evaluations.adversarial import STATIC, of_cells
from tocsin.evaluations.met import Met
from tocsin.evaluations.plan import DIRECT, rank
from tocsin.evaluations.scoring import TRANSFER
from tocsin.journal import PlannedCase, PlannedCell
from tocsin.types import Case, Request, Score


def replayed(attack: Attack) -> bool:
    """Whether an attack's turns are replayed; else it is run again."""
    return attack.kind not in STATIC


def left_out(attacks: Mapping[str, Attack]) -> dict[str, str]:
    """Attack → why what it did cannot be put to another model as it was."""
    found = {}
    for name, attack in attacks.items():
        if not replayed(attack) and attack.needed:
            found[name] = f"its prompt comes from the {' and the '.join(attack.needed)}, which would write another"
        elif replayed(attack) and attack.decodes:
            found[name] = "how its answers are read is not kept, and its turns alone do not say it"
    return found


def planned(
    db: sqlite3.Connection, source: int, attacks: Mapping[str, Attack], targets: int, seed: int
) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """Every case that fell to an attack on the source, with the cells that put the same to each target.

    Args:
        db: The journal of the run where they fell.
        source: Index of the model on which they did.
        attacks: The attacks that are taken, by name.
        targets: How many models they are put to.
        seed: Of the order.
    """
    rows = db.execute(
        "SELECT s.id, s.benchmark, c.repeat, s.body, c.attack, c.judge, a.request FROM cells c JOIN cases s ON s.id = c.case_ref"
        " JOIN latest r ON r.cell = c.id JOIN calls a ON a.id = r.call WHERE c.target = ? AND c.evaluation = 'adversarial'"
        " AND r.outcome = 'unsafe' ORDER BY s.id, c.repeat, c.id",
        (source,),
    )
    control = _control(attacks)
    case: Case | None = None
    number, benchmark = 0, ""
    judges: dict[str, tuple[str, int]] = {}
    tags: dict[str, str] = {}
    for row, name, repeat, body, attack, judge, request in rows:
        if row != number:
            if case is not None and judges.keys() - control:
                yield _planned(benchmark, case, judges, tags, targets, seed)
            number, benchmark, case, judges, tags = row, name, msgspec.json.decode(body, type=Case), {}, {}
        if attack not in attacks or attack in judges or case is None:
            continue
        judges[attack] = judge, repeat  # the random numbers of an attack are those of its repeat
        if replayed(attacks[attack]):
            tags[tag(attack)] = msgspec.json.encode(_spoken(case, request)).decode()
    if case is not None and judges.keys() - control:
        yield _planned(benchmark, case, judges, tags, targets, seed)


def _control(attacks: Iterable[str]) -> set[str]:
    """The plain request, where it is no success of its own: beside attacks."""
    return {DIRECT} if set(attacks) - {DIRECT} else set()


def _planned(
    benchmark: str, case: Case, judges: dict[str, tuple[str, int]], tags: dict[str, str], targets: int, seed: int
) -> tuple[PlannedCase, list[PlannedCell]]:
    case = msgspec.structs.replace(case, tags={**case.tags, **tags})
    judges = judges if DIRECT in judges else {**judges, DIRECT: (next(iter(judges.values()))[0], 0)}
    cells = [
        PlannedCell(target, "adversarial", attack, repeat, judge, rank(seed, "order", benchmark, case.id, attack))
        for attack, (judge, repeat) in judges.items()
        for target in range(targets)
    ]
    return PlannedCase(benchmark, case.id, case), cells


def _spoken(case: Case, request: bytes) -> Spoken:
    """The user's side of the request whose answer was judged."""
    messages = msgspec.json.decode(request, type=Request).messages
    system = next((message.text for message in messages if message.role == "system"), None)
    if system is not None and case.system:
        system = system.removeprefix(case.system).removeprefix("\n\n") or None
    return Spoken(system, tuple(message.text for message in messages if message.role == "user"))


def scores(met: Met, manifest: dict[str, Any], *, judge: str | None, modality: str = "language") -> list[Score]:
    """How often what succeeded on the source succeeds again: all attacks, each, and the plain request as control."""
    told = manifest["transferred"]
    common: dict[str, Any] = {"evaluation": "adversarial", "modality": modality, "judge": judge}
    plain = met.attacks.index(DIRECT) if DIRECT in met.attacks else None
    found = [of_cells(TRANSFER, met, [cell for cell in met.cells if cell.attack != plain], common)]
    for name, mine in zip(met.attacks, met.by_attack(), strict=True):
        found.append(of_cells(TRANSFER, met, mine, {**common, "attack": name}))
    fell = f"on {told['source']} in run {told['run']}"
    for score in found:
        if score.attack in _control(told["attacks"]):
            score.notes.append(f"the plain request on the cases that fell to an attack {fell}: a control")
        else:
            score.notes.append(f"over what succeeded {fell}")
        if told["partial"]:
            score.notes.append("that run was not finished: what succeeds first is no fair sample of what succeeds")
    return found
