"""The evidence for clauses as OSCAL assessment results (NIST OSCAL 1.1.3, JSON).

OSCAL knows of a finding two states, ``satisfied`` and ``not-satisfied``, and tests know more. What a state means here stands in
the finding itself, in its property ``standing`` and its remarks, and in docs/reference/compliance.md: ``not-satisfied`` with
the reason ``other`` claims nothing.

Source: the JSON schema of the assessment results model, and https://pages.nist.gov/OSCAL-Reference/.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from tocsin.journal.folder import JOURNAL, MANIFEST
from tocsin.report import clean
from tocsin.report.compliance import CHECKED, KIND, STANDING, counts, edition, formats_of, said, source, standing_notes

OSCAL_VERSION = "1.1.3"
NAMESPACE = "https://tocsin.invalid/ns/oscal"
"""Of the properties that are tocsin's own. It is a name and no address; readers of OSCAL want one that looks like a URL."""
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
_STATES = {
    "consistent": (
        "satisfied",
        "pass",
        "The tests are consistent with the clause. That is no judgement that it is complied with.",
    ),
    "contrary": ("not-satisfied", "fail", "The tests are contrary to the clause."),
    "insufficient": (
        "not-satisfied",
        "other",
        "Nothing is claimed: the evidence is insufficient. OSCAL has no state for that, and a gap is never a pass.",
    ),
    "untested": (
        "not-satisfied",
        "other",
        "Nothing is claimed: there is no test. OSCAL has no state for that, and a gap is never a pass.",
    ),
    "not testable": (
        "not-satisfied",
        "other",
        "Nothing is claimed: no test of answers could say anything. OSCAL has no state for that, and a gap is never a pass.",
    ),
}
"""Standing → state, reason, and what the state means."""
_LONGEST = 2000
_LINK = re.compile(r"https?://[^\s<>\"\\^`{|}\x00-\x20\x7f-\x9f\u200b-\u206f]+", re.IGNORECASE)
"""What becomes a link: others ("javascript:", a file's path) might do something where a reader follows them."""


def assessment_results(evidence: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """A document of OSCAL assessment results: one result for each model and framework, one finding for each clause.

    Every UUID follows from the run and from what it is the UUID of, that of the document also from all that the evidence says:
    the same run makes the same document, and a document that says something else has another UUID.

    Args:
        evidence: What `tocsin.api.compliance_evidence` gives.
        manifest: The run's manifest, ``run.json``.

    Raises:
        ValueError: The manifest has no time at which the run was made.
    """
    run = str(manifest["run"])
    identities = {one["identity"]: one["framework"] for model in evidence["models"] for one in model["compliance"]}
    several = {name for name, count in Counter(identities.values()).items() if count > 1}
    told = [
        # Frameworks of one name are told apart by their mappings.
        (number, model, one | {"token": one["identity"] if one["framework"] in several else one["framework"]})
        for number, model in enumerate(evidence["models"])
        for one in model["compliance"]
    ]
    one_each = {one["identity"]: one for _, _, one in told}
    start, end = _times(manifest)
    made = _Document(run, start, end, str(manifest["versions"].get("tocsin", "")))
    whole = " ".join(sorted(one["identity"] for one in one_each.values()))
    return {
        "assessment-results": {
            "uuid": made.uuid("document", whole, _digest(evidence)),
            "metadata": {
                "title": f"What the tests of run {clean.name(run)} say about clauses",
                "last-modified": end,
                "version": "1",
                "oscal-version": OSCAL_VERSION,
                "props": _props(
                    {"run": run, "suite": evidence["suite"], "status": evidence["status"], "tool": made.tool}
                ),
                "remarks": evidence["disclaimer"],
            },
            "import-ap": {
                "href": f"#{made.uuid('manifest')}",
                "remarks": "There is no assessment plan in OSCAL. What was planned stands in the run's manifest.",
            },
            "local-definitions": {
                "objectives-and-methods": [
                    _objective(one, clause) for one in one_each.values() for clause in one["clauses"]
                ],
                "remarks": "The clauses are in our own words. The official text of each framework is among the resources.",
            },
            "results": [made.result(number, model["model"], one) for number, model, one in told],
            "back-matter": {
                "resources": [
                    made.file("manifest", MANIFEST, "application/json", "What was planned, with what, and when"),
                    made.file("journal", JOURNAL, "application/vnd.sqlite3", "Every call, answer and verdict"),
                    *(made.official(one) for one in one_each.values()),
                ]
            },
        }
    }


class _Document(msgspec.Struct, frozen=True):
    run: str
    start: str
    end: str
    tool: str

    def uuid(self, *path: object) -> str:
        return str(uuid.uuid5(_ROOT, "\0".join((self.run, *map(str, path)))))

    def file(self, name: str, path: str, kind: str, title: str) -> dict[str, Any]:
        return {"uuid": self.uuid(name), "title": title, "rlinks": [{"href": path, "media-type": kind}]}

    def official(self, one: dict[str, Any]) -> dict[str, Any]:
        title = f"{clean.name(one['title'], most=240)}, {clean.name(edition(one))}"
        return {
            "uuid": self.uuid("framework", one["identity"]),
            "title": title,
            "description": CHECKED[one["status"]],
            "props": _props(
                {"framework": one["framework"], "identity": one["identity"], "list-checked": one["status"]}
            ),
            "citation": {"text": title},
            **_linked(one["source"]),
        }

    def result(self, target: int, model: str, one: dict[str, Any]) -> dict[str, Any]:
        """What the tests of one model say about one framework."""
        path = ("result", target, one["identity"])
        component = self.uuid(*path, "component")
        observed = {
            (clause["clause"], kind["kind"]): self.observation(path, target, model, component, one, clause, kind)
            for clause in one["clauses"]
            for kind in clause["evidence"]
        }
        remarks = [one["disclaimer"], f"The rule: {one['rule']}"]
        remarks += [f"Left out as evidence: {clean.name(line, most=_LONGEST)}." for line in one["left_out"]]
        if one["unassigned"]:
            names = ", ".join(clean.name(name) for name in one["unassigned"])
            remarks.append(f"Items of these dimensions belong to no clause, and count for none: {names}.")
        return {
            "uuid": self.uuid(*path),
            "title": f"{clean.name(model)}: {clean.name(one['framework'])}",
            "description": counts(one["clauses"]),
            "start": self.start,
            "end": self.end,
            "props": _props({"model": model, "framework": one["identity"], "bar": f"{one['bar']:g}"}),
            "links": [{"href": f"#{self.uuid('framework', one['identity'])}", "rel": "reference"}],
            "local-definitions": {
                "components": [
                    {
                        "uuid": component,
                        "type": "software",
                        "title": clean.name(model),
                        "description": "The model that was tested, as it was named in the run.",
                        "status": {"state": "other", "remarks": "Whether it is in operation is not known here."},
                    }
                ]
            },
            "reviewed-controls": {
                "description": "All clauses of the framework. Those without an observation were not tested.",
                "control-selections": [
                    {"include-controls": [{"control-id": control_id(one, clause)} for clause in one["clauses"]]}
                ],
                "control-objective-selections": [
                    {"include-objectives": [{"objective-id": objective_id(one, clause)} for clause in one["clauses"]]}
                ],
            },
            **({"observations": list(observed.values())} if observed else {}),
            "findings": [
                self.finding(
                    path, one, clause, [seen["uuid"] for (of, _), seen in observed.items() if of == clause["clause"]]
                )
                for clause in one["clauses"]
            ],
            "remarks": "\n\n".join(remarks),
        }

    def observation(
        self,
        path: tuple[object, ...],
        target: int,
        model: str,
        component: str,
        one: dict[str, Any],
        clause: dict[str, Any],
        kind: dict[str, Any],
    ) -> dict[str, Any]:
        """One kind of evidence for one clause."""
        figures = {
            name: kind[name]
            for name in (
                "value",
                "low",
                "high",
                "worst",
                "best",
                "planned",
                "n",
                "n_cases",
                "n_clusters",
                "passed",
                "unscored",
                "error",
            )
        }
        told = {name.replace("_", "-"): _number(value) for name, value in figures.items() if value is not None}
        for form in formats_of(clause, kind["kind"]):
            name = form["format"].replace("_", "-")
            parts = {"value": form["value"], "n": form["n"], "passed": form["passed"], "planned": form["planned"]}
            told |= {f"{name}-{part}": _number(value) for part, value in parts.items() if value is not None}
        missing = kind["unscored"] + kind["error"]
        lacking = f" Without a verdict: {missing:,}." if missing else ""
        return {
            "uuid": self.uuid(*path, "observation", clause["clause"], kind["kind"]),
            "title": f"{KIND[kind['kind']]} for {clean.name(clause['ref'])}",
            "description": f"{said(kind)}.{lacking}",
            "props": _props({"kind": kind["kind"], **told, "judge": ", ".join(kind["judges"])}),
            "methods": ["TEST"],
            "types": ["control-objective"],
            "subjects": [{"subject-uuid": component, "type": "component", "title": clean.name(model)}],
            "relevant-evidence": [
                {
                    "href": JOURNAL,
                    "description": "Records in the run's journal (view latest, by the cells of the plan)",
                    "links": [{"href": f"#{self.uuid('journal')}", "rel": "reference"}],
                    "props": _props({"target": str(target)}),
                    "remarks": _where(kind),
                }
            ],
            "collected": self.end,
            "remarks": f"It is evidence of its own kind, and is blended with no other. {one['disclaimer']}",
        }

    def finding(
        self, path: tuple[object, ...], one: dict[str, Any], clause: dict[str, Any], observations: list[str]
    ) -> dict[str, Any]:
        """What the evidence for one clause comes to."""
        state, reason, meaning = _STATES[clause["standing"]]
        further = [clause["why"]] if clause["why"] else [f"{note}." for note in standing_notes(clause)]
        why = "".join(f" {clean.name(one[:1].upper() + one[1:], most=_LONGEST)}" for one in further)
        return {
            "uuid": self.uuid(*path, "finding", clause["clause"]),
            "title": f"{clean.name(clause['ref'])}: {clean.name(clause['title'])}",
            "description": f"{STANDING[clause['standing']].capitalize()}. {clean.name(clause['text'], most=_LONGEST)}",
            "props": _props({"standing": clause["standing"], "clause-checked": clause["checked"]}),
            "target": {
                "type": "objective-id",
                "target-id": objective_id(one, clause),
                "title": clean.name(clause["ref"]),
                "status": {"state": state, "reason": reason, "remarks": f"{meaning}{why}"},
            },
            **(
                {"related-observations": [{"observation-uuid": found} for found in observations]}
                if observations
                else {}
            ),
            "remarks": one["disclaimer"],
        }


def control_id(one: dict[str, Any], clause: dict[str, Any]) -> str:
    """The token of a clause: its framework and its id. A token begins with a letter or an underscore."""
    told = re.sub(r"[^A-Za-z0-9._-]", "_", f"{one['token']}.{clause['clause']}")
    return told if told[0].isalpha() else f"_{told}"


def objective_id(one: dict[str, Any], clause: dict[str, Any]) -> str:
    """The token of what a clause asks for."""
    return f"{control_id(one, clause)}_obj"


def _objective(one: dict[str, Any], clause: dict[str, Any]) -> dict[str, Any]:
    checked = "" if clause["checked"] == "verified" else " It was not compared with the official text."
    return {
        "control-id": control_id(one, clause),
        "description": f"{clean.name(clause['ref'])}: {clean.name(clause['title'])}.{checked}",
        "parts": [
            {
                "id": objective_id(one, clause),
                "name": "assessment-objective",
                "title": clean.name(clause["title"]),
                "prose": clean.name(clause["text"], most=_LONGEST),
            }
        ],
    }


def _digest(evidence: dict[str, Any]) -> str:
    """The SHA-256 of evidence, the same in whatever order its fields stand."""
    return sha256(msgspec.json.encode(evidence, order="sorted")).hexdigest()


def _linked(source: object) -> dict[str, Any]:
    """The link to an official text; the words that stand for one where it is no address of the web."""
    said = str(source)
    if _LINK.fullmatch(said):
        return {"rlinks": [{"href": said}]}
    told = clean.name(said, most=_LONGEST).strip()
    return {"remarks": f"The source, as the framework names it: {told}"} if told else {}


def _where(kind: dict[str, Any]) -> str:
    """The records that one kind of evidence is of."""
    of = "; ".join(source(told) for told in kind["sources"])
    if kind["cells"]:
        return f"Cells {', '.join(map(str, kind['cells']))}, of {of}"
    return f"All counted records of {of}"


def _props(told: dict[str, object]) -> list[dict[str, str]]:
    found: Iterator[tuple[str, str]] = (
        (name, clean.name(value, most=_LONGEST).strip()) for name, value in told.items()
    )
    return [{"name": name, "ns": NAMESPACE, "value": value} for name, value in found if value]


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _times(manifest: dict[str, Any]) -> tuple[str, str]:
    """When the run was made, and when its latest session ended, in UTC."""
    start = _moment(manifest.get("created"))
    if start is None:
        raise ValueError(f"run.json of run {manifest['run']!r}: 'created' is no time of ISO 8601")
    ended = [found for one in manifest["sessions"] if (found := _moment(one.get("ended"))) is not None]
    return start, max(ended, default=start)


def _moment(stamp: object) -> str | None:
    try:
        when = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
