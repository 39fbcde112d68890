"""What a user asks for, resolved: the suite with what the command line says over it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin import judges, registry
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.own import own_cases
from tocsin.compliance.framework import find as find_framework
from tocsin.datasets import Dataset, DatasetDamaged, DatasetError, Own, data_folder
from tocsin.evaluations.attacking import NO_ATTACKS, ROLES, Attacking, resolve_attacks
from tocsin.evaluations.fitting import (
    check_judged,
    check_languages,
    check_searched,
    check_together,
    checks,
    judge_named,
    lacking,
)
from tocsin.evaluations.plan import Chosen, Drawing, choose
from tocsin.evaluations.suite import BenchmarkEntry, Suite, changed_suite, parse_suite, read_suite
from tocsin.evaluations.translations import beside
from tocsin.judges import Judge
from tocsin.types import Capabilities, Role

AD_HOC = "name: own\ntitle: Chosen on the command line\nseed: 260110527\nsampling: {temperature: 0}\n"
"""The suite of a run for which benchmarks or cases are named and no suite."""


class LicenceNotAccepted(Exception):
    """A dataset's terms need to be accepted first; the message says how."""


class LeftOut(msgspec.Struct, frozen=True):
    """An optional benchmark that is not run, and what it would need."""

    benchmark: str
    needs: str
    evaluation: str = "benchmark"
    """The evaluation that it would have served."""
    measures: str = "safety"
    """What it would have measured."""
    modality: str = "language"
    model: str | None = None
    """The model that it is left out for, where others are asked it."""


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is to be run, found and checked, before anything is asked."""

    suite: Suite
    chosen: list[Chosen]
    judges: dict[str, Judge]
    drawing: Drawing
    accepted: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    attacking: Attacking = NO_ATTACKS
    translations: dict[str, Any] | None = None
    """What the manifest says of the table of translations, where there is one."""

    def helpers(self) -> dict[Role, str]:
        """The attacker and the translator, where something is to be asked of them: role → model."""
        needed: set[Role] = set(self.attacking.roles())
        if checks(self.suite, self.chosen):
            needed.add("translator")
        return {role: self.suite.roles[role] for role in ROLES if role in needed}


def resolve(
    *,
    suite: str | None,
    benchmarks: Sequence[str],
    evaluations: Sequence[str],
    judge: str | None,
    roles: Mapping[str, str],
    cases: Path | None,
    limit: int | None,
    seed: int | None,
    repeats: int | None,
    data: Path | None,
    accepted: Sequence[str],
    targets: int,
    strict: bool,
    attacks: Sequence[str] = (),
    mode: str | None = None,
    precision: float | None = None,
    decide: bool = False,
    translations: Path | None = None,
    only_reviewed: bool = False,
    frameworks: Sequence[str] = (),
    takes: Sequence[Capabilities] = (),
) -> Assessment:
    """Finds what is asked for. `takes` is what each target takes and gives; what none of them can be asked is left out.

    Raises:
        ConfigError, UnknownName, ValueError: It is not there, or is said wrongly; the nearest names are suggested.
        DatasetError: Data is missing.
        LicenceNotAccepted: Terms must be accepted first.
    """
    base = read_suite(suite) if suite else parse_suite(AD_HOC, "own") if benchmarks or cases else read_suite("quick")
    if (
        not suite
        and not evaluations
        and not attacks
        and any(find(name, drafts=True).evaluation == "adversarial" for name in benchmarks)
    ):
        evaluations = (*base.evaluations, "adversarial")  # who names published attacks wants them run
    known = {entry.name: entry for entry in base.benchmarks}
    changes: dict[str, Any] = {
        # What the suite says of a benchmark holds for it alone, too; but who names it wants it run.
        "benchmarks": tuple(
            known[name].model_copy(update={"optional": False}) if name in known else BenchmarkEntry(name=name)
            for name in benchmarks
        )
        or None,
        "evaluations": _with_over_refusal(evaluations) or (("adversarial",) if attacks else None),
        "judge": judge,
        "adversarial": _attacks_said(base, attacks, mode),
        "stopping": _stopping_said(base, precision, decide),
        "compliance": base.compliance.model_dump() | {"frameworks": tuple(frameworks)} if frameworks else None,
        "roles": {**base.roles, **roles} or None,
        "limit": limit,
        "seed": seed,
        "repeats": repeats,
    }
    resolved = changed_suite(base, {key: value for key, value in changes.items() if value is not None})
    for name in resolved.compliance.frameworks:
        find_framework(name)  # one that is not there is said before anything is asked
    if resolved.stopping and resolved.stopping.decide and targets < 2:
        raise ValueError("a decision needs two models or more to compare: name another MODEL, or leave out --decide")
    static = any(find(one.name, drafts=True).evaluation == "adversarial" for one in resolved.benchmarks)
    attacking = resolve_attacks(resolved, takes, static=static)
    folder = data_folder(data)
    chosen, left_out = [], []
    for entry in resolved.benchmarks:
        if not _is_wanted(
            find(entry.name, drafts=resolved.compliance.drafts), resolved, named=entry.name in benchmarks
        ):
            continue
        about = find(entry.name, drafts=True)
        serves = entry.evaluations[0] if len(entry.evaluations) == 1 else about.evaluation
        if lacks := lacking(about, takes):
            if not entry.optional:
                raise ValueError(f"benchmark {about.name!r}: {lacks}")
            left_out.append(LeftOut(entry.name, lacks, serves, about.measures, about.modality))
            continue
        try:
            found = _chosen(entry, resolved, limit, judge, folder, accepted)
            if entry.optional and (needs := _unpictured(found)):
                raise DatasetError(needs)
            chosen.append(found)
        except (DatasetError, LicenceNotAccepted) as error:
            if not entry.optional or isinstance(error, DatasetDamaged):
                raise
            left_out.append(LeftOut(entry.name, str(error), serves, about.measures, about.modality))
    if cases is not None:
        own = BenchmarkEntry(name="cases")
        most, thought = limit or resolved.limit, resolved.reasoning_judge
        mine = own_cases(cases)
        if lacks := lacking(mine, takes):
            raise ValueError(f"{cases.name}: {lacks}")
        named = judge_named(mine, resolved, judge)
        chosen.append(choose(mine, most, folder, entry=own, judge=named, reasoning=thought))
    if not chosen and left_out:
        raise ValueError(f"suite {resolved.name!r}: no benchmark of it can be run; the first: {left_out[0].needs}")
    if not chosen:
        raise ValueError(f"suite {resolved.name!r} names no benchmark, and no --benchmark or --cases is given")
    table = None
    if translations is not None:
        chosen, table = beside(chosen, translations, only_reviewed=only_reviewed, own=cases)
    check_judged(chosen, judge)
    check_together(resolved, chosen)
    check_languages(resolved, chosen, table)
    chosen = [_attacked(one, resolved, attacking, judge) for one in chosen]
    check_searched(resolved, chosen)
    if attacking.named and not any(one.attacks for one in chosen):
        if any(one.benchmark.evaluation == "adversarial" for one in chosen):  # attacked beforehand, and nothing else is
            attacking = NO_ATTACKS
        else:
            raise ValueError(f"suite {resolved.name!r}: none of its benchmarks is one that its attacks are for")
    names = [one.benchmark.name for one in chosen]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"benchmark {doubled[0]!r} is named twice: a file's name is its benchmark's, so of two files of one name rename one"
        )
    return Assessment(
        suite=resolved,
        chosen=chosen,
        judges=make_judges(
            resolved,
            {judge for one in chosen for judge in one.judges()} | ({attacking.in_loop} if attacking.in_loop else set()),
        ),
        drawing=Drawing(
            seed=resolved.seed,
            evaluations=resolved.evaluations,
            repeats=resolved.repeats,
            targets=targets,
            takes=tuple(takes),
            strict=strict,
            languages=resolved.languages,
            together=resolved.stopping is not None,
        ),
        accepted=tuple(sorted(set(accepted))),
        left_out=tuple(left_out),
        attacking=attacking,
        translations=table,
    )


def _unpictured(one: Chosen) -> str:
    """What a benchmark needs all of whose images are for the user to make; empty if there are some."""
    lacking = [found.gallery.lacking for found in one.files if found.gallery is not None and found.gallery.lacking]
    return lacking[0] if len(lacking) == len(one.files) else ""


def _is_wanted(benchmark: Benchmark, suite: Suite, *, named: bool) -> bool:
    """Whether one of the suite's evaluations is one that a benchmark is for.

    Raises:
        ValueError: None is, and somebody named it.
    """
    serves = {benchmark.evaluation} | (
        {"over-refusal", "adversarial"} if benchmark.evaluation == "benchmark" else set()
    )
    if benchmark.evaluation == "multilingual" and benchmark.measures == "safety":
        serves.add("adversarial")
    if serves & set(suite.evaluations):
        return True
    if named:
        raise ValueError(
            f"benchmark {benchmark.name!r} is for the evaluation {benchmark.evaluation}: add --evaluation {benchmark.evaluation}"
        )
    return False


def _attacks_said(base: Suite, attacks: Sequence[str], mode: str | None) -> dict[str, Any] | None:
    """The adversarial part of a suite with what the command line says over it; None if that says nothing."""
    if not attacks and mode is None:
        return None
    said = base.adversarial.model_dump() if base.adversarial else {}
    return {**said, **({"attacks": attacks} if attacks else {}), **({"mode": mode} if mode else {})}


def _stopping_said(base: Suite, precision: float | None, decide: bool) -> dict[str, Any] | None:
    """The stopping rule of a suite with what the command line says over it; None if that says nothing."""
    if precision is None and not decide:
        return None
    said = base.stopping.model_dump() if base.stopping else {}
    return {
        **said,
        **({"precision": precision} if precision is not None else {}),
        **({"decide": True} if decide else {}),
    }


def _attacked(one: Chosen, suite: Suite, attacking: Attacking, judge: str | None) -> Chosen:
    """The benchmark with the attacks that its cases meet."""
    wanted = suite.adversarial
    # What was attacked beforehand, or is about rules, is asked as it is put.
    if one.benchmark.evaluation in ("adversarial", "compliance"):
        return one
    if wanted is None or not attacking.named or (wanted.benchmarks and one.benchmark.name not in wanted.benchmarks):
        return one
    if one.only and "adversarial" not in one.only:
        return one
    named = wanted.cases.get(one.benchmark.name)
    if wanted.cases and named is None:
        return one
    return msgspec.structs.replace(
        one,
        attacks=attacking.named,
        suited=attacking.suited(),
        attack_limit=wanted.limit,
        attack_cases=None if named is None else frozenset(named),
        attack_judge=judge_named(one.benchmark, suite, judge or wanted.judge, one.judge),
    )


def make_judges(suite: Suite, names: Collection[str]) -> dict[str, Judge]:
    """The judges of these names, with the suite's parameters, each knowing whom it asks.

    Raises:
        UnknownName, ValueError: One is not there, or its parameters are wrong; or it asks a model and none is named.
    """
    made = {}
    for name in sorted(suite.judges.keys() - set(names) - set(registry.names("judge"))):
        if "judge" not in suite.judges[name]:
            raise registry.UnknownName("judge", name, registry.names("judge"))
    for name in sorted(names):
        judge = judges.make(name, suite.judges.get(name))
        if model := suite.roles.get("judge"):
            judge = judge.asking(model)
        if "" in judge.models:
            raise ValueError(
                f"judge {name!r} asks a model, and none is named: add --role judge=MODEL, or 'roles: {{judge: MODEL}}' in"
                " the suite"
            )
        made[name] = judge
    return made


def _chosen(
    entry: BenchmarkEntry,
    suite: Suite,
    limit: int | None,
    judge: str | None,
    data: Path | None,
    accepted: Sequence[str],
) -> Chosen:
    benchmark = find(entry.name, drafts=suite.compliance.drafts)
    if benchmark.framework and isinstance(benchmark.dataset.origin, Own):
        from tocsin.compliance.items import read_checked  # few runs have items of the user's own

        read_checked(Path(benchmark.dataset.files[0].path))
    if entry.sample:
        benchmark = benchmark.sampled(entry.sample)
    check_licence(benchmark, accepted)
    named = judge_named(benchmark, suite, judge, entry.judge)
    most, thought = limit or entry.limit or suite.limit, suite.reasoning_judge
    return choose(benchmark, most, data, entry=entry, judge=named, draw=suite.draw, reasoning=thought)


def _with_over_refusal(evaluations: Sequence[str]) -> tuple[str, ...]:
    """Over-refusal rides along with benchmarks."""
    wanted = (*evaluations, "over-refusal") if "benchmark" in evaluations else evaluations
    return tuple(dict.fromkeys(wanted))


def check_licence(benchmark: Benchmark, accepted: Sequence[str]) -> None:
    """Raises `LicenceNotAccepted` if the benchmark's data is gated and neither name was accepted."""
    check_terms(f"benchmark {benchmark.name!r}", benchmark.dataset, benchmark.name, accepted)


def check_terms(what: str, data: Dataset, name: str, accepted: Sequence[str]) -> None:
    """Raises `LicenceNotAccepted` if data is gated and neither the name of what uses it nor its own was accepted."""
    if data.gate and name not in accepted and data.name not in accepted:
        raise LicenceNotAccepted(
            f"{what} is {data.gate} ({data.licence}): read its terms ({data.origin}), and if your"
            f" use is within them, add --accept-licence {name}"
        )
