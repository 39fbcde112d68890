"""How a run came about: everything a reader needs to check it, to finish it or to do it again."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.evaluations.attacking import ROLES
from tocsin.evaluations.flags import KIN
from tocsin.evaluations.suite import suite_names
from tocsin.report import clean, words
from tocsin.report.again import AD_HOC, again
from tocsin.report.data_told import SHORT, Source, source_of
from tocsin.report.messages import joined, made, message, messages

Pairs = list[tuple[str, str]]
_CAN = messages(
    {
        "text_in": "text in",
        "image_in": "image in",
        "text_out": "text out",
        "image_out": "image out",
        "structured": "structured",
    }
)


class Party(msgspec.Struct, frozen=True):
    """A model or a judge with what makes it what it is."""

    name: str
    facts: Pairs


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session of the run."""

    started: str
    ended: str
    how: str
    calls: str
    cost: str


class Flag(msgspec.Struct, frozen=True):
    """What is told of a run before its figures, and whether it is that models are kin."""

    text: str
    kin: bool


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """The section of the manifest."""

    facts: Pairs
    reconstruction: str
    """What of the attacks was made up where the suite's source is silent, in the suite's own words; else empty."""
    models: list[Party]
    judges: list[Party]
    sources: list[Source]
    sessions: list[SessionRow]
    flags: list[Flag]
    again: str
    """The command that does the run again."""
    own_suite: bool
    """Whether the suite is a file of the user's own, which that command needs."""
    resume: str
    """The command that finishes it; empty where nothing is left to do."""


def provenance(manifest: dict[str, Any], *, errors: int) -> Provenance:
    """The manifest in words.

    Args:
        manifest: The run's manifest.
        errors: Attempts that ended in an error, which a resumed run can try again.
    """
    resume = ""
    if manifest["status"] != "complete":
        resume = "tocsin assess --resume RUN"
    elif errors and "rejudged" not in manifest:  # whose errors are those of another run
        resume = "tocsin assess --resume RUN --retry-errors"
    made_up = (manifest["suite"].get("adversarial") or {}).get("reconstruction") if manifest.get("adversarial") else ""
    entries = {entry["name"]: entry for entry in manifest["suite"].get("benchmarks", ())}
    return Provenance(
        facts=_facts(manifest),
        reconstruction=clean.name(made_up or "", most=800),
        models=[
            *(_model(target) for target in manifest["targets"]),
            *(
                _model(asked, message("asked by the judges"))
                for asked in manifest.get("roles", {}).get("judge", {}).values()
            ),
        ],
        judges=[_judge(name, judge) for name, judge in manifest["judges"].items()],
        sources=[source_of(name, about, entries.get(name)) for name, about in manifest["benchmarks"].items()],
        sessions=[_session(session) for session in manifest["sessions"]],
        flags=[Flag(made(clean.name(flag)), KIN in flag) for flag in manifest["flags"]],
        again=again(manifest),
        own_suite=manifest["suite"]["name"] not in (AD_HOC, *suite_names())
        and not {"rejudged", "transferred"} & manifest.keys(),
        resume=resume,
    )


def _facts(manifest: dict[str, Any]) -> Pairs:
    suite, versions = manifest["suite"], manifest["versions"]
    sampling = clean.parameters(suite.get("sampling") or {})
    accepted = manifest["licences_accepted"]
    facts = [
        (message("Run"), manifest["run"]),
        (message("Begun"), words.moment(manifest["created"])),
        *([(message("Transferred"), _transferred(manifest["transferred"]))] if "transferred" in manifest else ()),
        *([(message("Rejudged"), _rejudged(manifest["rejudged"]))] if "rejudged" in manifest else ()),
        (
            message("Suite"),
            message(
                "{name}, version {version}: {title}" if suite.get("title") else "{name}, version {version}",
                name=suite["name"],
                version=suite["version"],
                title=made(str(suite.get("title", ""))),
            ),
        ),
        (
            message("Evaluations"),
            words.listed([words.EVALUATION.get(one, one) for one in suite.get("evaluations", ())]),
        ),
        (message("Seed"), str(suite["seed"])),
        (message("Attempts at each case"), str(suite.get("repeats", 1))),
        (message("Planned attempts"), f"{manifest['cells']:,}"),
        (
            message("Sampling"),
            joined((message("{name} {value}", name=name, value=value) for name, value in sampling), ", ")
            or message("left to the endpoint"),
        ),
        *_attacks(manifest),
        *([(message("Difficulty filter"), _difficulty(manifest["difficulty"]))] if manifest.get("difficulty") else ()),
        (message("Licences accepted"), words.listed(accepted) if accepted else message("none needed accepting")),
        (
            message("Bad rows"),
            message("stop the run (strict)") if manifest.get("strict") else message("count as errors"),
        ),
        (
            message("Versions"),
            joined(
                (message("{name} {version}", name=name, version=version) for name, version in versions.items()), ", "
            ),
        ),
    ]
    return [(name, clean.name(value, most=800)) for name, value in facts]


def _attacks(manifest: dict[str, Any]) -> Pairs:
    """How the attacks were set: parameters, what a cell may spend, who helps, and which judge steers."""
    told = manifest.get("adversarial")
    if not told:
        return []
    rows = [(message("Attack {name}", name=name), _attack(manifest["attacks"][name])) for name in told["attacks"]]
    allowed = [
        message("{value} {name}", value=f"{value:g}", name=message(name))
        for name, value in (told.get("allowance") or {}).items()
        if value is not None
    ]
    rows.append(
        (
            message("A cell may spend"),
            words.listed(allowed) if allowed else message("what the attack's parameters allow"),
        )
    )
    helpers = [
        message("{role} {name}", role=message(role), name=name)
        for role in ROLES
        for name in manifest.get("roles", {}).get(role, {})
    ]
    helpers += [message("judge in the loop {in_loop}", in_loop=told["in_loop"])] if told.get("in_loop") else []
    return rows + ([(message("Helpers"), words.listed(helpers))] if helpers else [])


def _attack(about: dict[str, Any]) -> str:
    """An attack as it was set, in one line."""
    parameters = joined(
        (
            message("{name} {value}", name=name, value=value)
            for name, value in clean.parameters(about.get("parameters") or {})
        ),
        ", ",
    )
    told = message(
        "{identity}, {source}", identity=about["identity"], source=about["source"] or message("the case as it stands")
    )
    queries = (
        message("at most {queries}", queries=words.count(about["queries"], "query", "queries"))
        if about.get("queries")
        else ""
    )
    return joined((told, queries, parameters), "; ")


def _transferred(told: dict[str, Any]) -> str:
    """What was put to other models, and what ties the run to the one where it succeeded."""
    return message(
        "what succeeded on {source} in run {run} (manifest sha256 {sha256}…); turns replayed: "
        "{replayed}, the other attacks run as they were",
        source=told["source"],
        run=told["run"],
        sha256=told["sha256"][:SHORT],
        replayed=words.listed(told["replayed"]),
    )


def _rejudged(told: dict[str, Any]) -> str:
    """Whose answers these are, and what ties the run to that one."""
    answers, part = told["answers"], told.get("partial")
    cut = (
        ""
        if not part
        else message(
            ", of which {unfinished} of {cells} cells were not finished",
            unfinished=f"{part['unfinished']:,}",
            cells=f"{part['cells']:,}",
        )
    )
    return message(
        "the answers of run {run}{cut} (manifest sha256 {sha256}…), given from {first} to {last}; no call to a target",
        run=told["run"],
        cut=cut,
        sha256=told["sha256"][:SHORT],
        first=words.moment(answers["first"]),
        last=words.moment(answers["last"]),
    )


def _difficulty(told: dict[str, Any]) -> str:
    """How many cases a baseline was asked, and how many were too easy."""
    parts = [
        message(
            "{name}: {answered_safely} of {asked} left out",
            name=name,
            answered_safely=f"{counts['answered_safely']:,}",
            asked=f"{counts['asked']:,}",
        )
        for name, counts in told["benchmarks"].items()
    ]
    return message(
        "cases that {baseline} answered safely in run {run} are left out ({parts})",
        baseline=told["baseline"],
        run=told["run"],
        parts=words.listed(parts),
    )


def _model(target: dict[str, Any], role: str = "") -> Party:
    limits, prices = target.get("limits") or {}, target.get("prices")
    can = [
        _CAN.get(word) or word.replace("_", " ") for word, able in (target.get("capabilities") or {}).items() if able
    ]
    facts = [
        *([(message("Role"), role)] if role else ()),
        (message("Asked as"), target["identity"].partition("@")[0]),
        (message("Address"), clean.address(target["base_url"]) if target["base_url"] else message("on this machine")),
        (message("Family"), target["family"] or message("not told by its name")),
        (message("Takes and gives"), words.listed(can)),
        *(
            (message("Parameter {name}", name=name), value)
            for name, value in clean.parameters(target.get("parameters") or {})
        ),
        (
            message("A call may take"),
            message(
                "{seconds} seconds and {tries} tries",
                seconds=limits.get("deadline", "–"),
                tries=limits.get("tries", "–"),
            ),
        ),
    ]
    if prices:
        facts.append(
            (
                message("Prices"),
                message(
                    "${input} in, ${output} out, per million tokens",
                    input=f"{prices['input']:g}",
                    output=f"{prices['output']:g}",
                ),
            )
        )
    return Party(clean.name(target["name"]), [(name, clean.name(value, most=300)) for name, value in facts])


def _judge(name: str, judge: dict[str, Any]) -> Party:
    languages = judge.get("languages") or []
    facts = [
        (message("Identity"), judge["identity"]),
        (message("Version"), str(judge.get("version", "–"))),
        (message("Reads"), made(judge.get("reads") or "–")),
        (
            message("Languages"),
            words.listed([words.language(str(code)) for code in languages], most=40)
            if languages
            else message("does not depend on the language"),
        ),
        (message("Model"), judge.get("model") or message("none: it decides by rules")),
        *(
            (message("Parameter {name}", name=key), value)
            for key, value in clean.parameters(judge.get("parameters") or {})
        ),
    ]
    if judge.get("source"):
        facts.insert(3, (message("Source"), made(judge["source"])))
    return Party(clean.name(name), [(key, clean.name(value, most=500)) for key, value in facts])


def _session(session: dict[str, Any]) -> SessionRow:
    how = words.ENDINGS.get(session["ending"], str(session["ending"]))
    cost = session.get("cost")
    return SessionRow(
        started=words.moment(session["started"]),
        ended=words.moment(session.get("ended")),
        how=clean.name(
            message("{how}: {reason}", how=how, reason=made(session["reason"])) if session.get("reason") else how,
            most=300,
        ),
        calls=f"{session['calls']:,}" if isinstance(session.get("calls"), int) else "–",
        cost=f"${cost:,.2f}" if isinstance(cost, int | float) and cost else message("no price known"),
    )
