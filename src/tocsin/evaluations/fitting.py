"""What a suite asks for, held against what its benchmarks, judges and models can give, before anything is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from tocsin import judges, registry
from tocsin.benchmarks import Benchmark
from tocsin.datasets import Own
from tocsin.evaluations.plan import Chosen, able
from tocsin.evaluations.suite import Suite
from tocsin.evaluations.translations import OWN
from tocsin.evaluations.under_attack import asked_in
from tocsin.judges.contract import fits
from tocsin.languages import same
from tocsin.types import Capabilities


def checks(suite: Suite, chosen: Sequence[Chosen]) -> bool:
    """Whether answers are to be translated and judged a second time."""
    return bool(checked_sets(suite, chosen))


def checked_sets(suite: Suite, chosen: Sequence[Chosen]) -> list[Chosen]:
    """The benchmarks whose answers are to be translated and judged a second time."""
    return [
        one
        for one in chosen
        if suite.multilingual.check
        and one.benchmark.paired
        and one.benchmark.modality != "image"
        and one.benchmark.evaluation != "compliance"
        and one.benchmark.evaluation in suite.evaluations
    ]


def check_together(suite: Suite, chosen: Sequence[Chosen]) -> None:
    """Raises `ValueError` if the suite asks two things of its benchmarks that cannot be had together."""
    other = next((one.benchmark for one in chosen if one.benchmark.evaluation != "benchmark"), None)
    if suite.stopping is not None and other is not None:
        raise ValueError(
            f"stopping early is for the benchmark and the adversarial evaluation; the {other.evaluation} evaluation of"
            f" {other.name!r} pairs or pools its cases: leave out --precision and --decide, or that benchmark"
        )
    if checks(suite, chosen) and "translator" not in suite.roles:
        raise ValueError(
            "multilingual: check translates answers, and nobody is there to do it: add --role translator=MODEL"
        )


def check_searched(suite: Suite, chosen: Sequence[Chosen]) -> None:
    """Raises `ValueError` if a search would go over several modalities, whose scores are never pooled."""
    if suite.adversarial is None or suite.adversarial.mode != "worst-case":
        return
    found = set()
    for one in chosen:
        drawn = {name for name in one.attacks if one.suited[name].draws}
        found |= set(asked_in(one.benchmark.modality, one.attacks, drawn.__contains__).values())
    if len(found) > 1:
        raise ValueError(
            f"suite {suite.name!r}: worst-case searches one modality at a time, and these attacks and benchmarks have"
            f" {', '.join(sorted(found))}: give each a run of its own, or say mode: exhaustive"
        )


def check_languages(suite: Suite, chosen: Sequence[Chosen], table: dict[str, Any] | None) -> None:
    """Raises `ValueError` if the suite names a language that nothing of it is in, or a check that has nothing to compare."""
    spoken = {one.benchmark.name: _languages(one.benchmark, table) for one in chosen}

    def has(names: Collection[str], code: str) -> bool:
        """Whether one of these benchmarks has a language, or may have it."""
        known = [spoken[name] for name in names]
        return any(codes is None or any(same(code, one) for one in codes) for codes in known)

    if absent := [code for code in suite.languages if not has(spoken, code)]:
        there = sorted({code for codes in spoken.values() if codes is not None for code in codes})
        raise ValueError(
            f"languages: nothing that is run is in {', '.join(absent)}: leave {'it' if len(absent) == 1 else 'them'} out, or"
            f" name a benchmark that has {'it' if len(absent) == 1 else 'them'}; there are {', '.join(there)}"
        )
    if not (checked := [one.benchmark.name for one in checked_sets(suite, chosen)]):
        return
    reference = suite.multilingual.reference
    if suite.languages and not any(same(code, reference) for code in suite.languages):
        raise ValueError(
            f"multilingual: check compares with the answers in {reference!r}, and languages: [{', '.join(suite.languages)}]"
            f" leaves them out, so nothing could be compared: add {reference} to languages, or say check: false"
        )
    if not has(checked, reference):
        raise ValueError(
            f"multilingual: check compares with the answers in {reference!r}, and {', '.join(checked)} has none, so nothing"
            " could be compared: name another reference, or say check: false"
        )


def _languages(benchmark: Benchmark, table: dict[str, Any] | None) -> set[str] | None:
    """The languages of a benchmark and of its translations; None where nobody said which they are."""
    data = benchmark.dataset
    if benchmark.name == OWN or (isinstance(data.origin, Own) and data.languages == ("en",)):  # that is the default
        return None
    return {*data.languages, *((table or {"benchmarks": {}})["benchmarks"].get(benchmark.name, ()))}


def judge_named(benchmark: Benchmark, suite: Suite, named: str | None, own: str | None = None) -> str | None:
    """The judge that a user, a suite's entry or a suite names for a benchmark; None where it keeps its own.

    A judge that is named for the whole run judges what it can: images are for judges that see them, texts for those that read.

    Raises:
        ValueError: The entry's own judge cannot judge what its benchmark asks for.
    """
    output: Literal["text", "image"] = "image" if benchmark.modality == "image" else "text"

    def why(name: str) -> str:
        return fits(judges.make(name, suite.judges.get(name)), output)

    if named and not why(named):
        return named
    if own:
        if told := why(own):
            raise ValueError(f"benchmark {benchmark.name!r}: {told}")
        return own
    return suite.judge if suite.judge and not why(suite.judge) else None


def check_judged(chosen: Sequence[Chosen], judge: str | None) -> None:
    """Raises `ValueError` if a judge that was named on the command line can judge nothing of what is chosen."""
    free = [one for one in chosen if one.benchmark.judge != one.benchmark.gold_judge]
    if judge and free and not any(one.judge == judge for one in free):
        asks: Literal["text", "image"] = "image" if free[0].benchmark.modality == "image" else "text"
        fit = [name for name in registry.names("judge") if registry.find("judge", name).sees_itself in _SEES[asks]]
        raise ValueError(
            f"judge {judge!r} cannot judge {asks}s, and nothing else is asked for: name one that can ({', '.join(fit)})"
        )


_SEES = {"image": ("image",), "text": ("text", "both")}
"""What is asked for → what a judge of it sees."""


def lacking(benchmark: Benchmark, takes: Sequence[Capabilities]) -> str:
    """What no target can be asked that a benchmark asks; empty if one can, or if nobody knows."""
    if not takes or any(able(benchmark.modality, one) for one in takes):
        return ""
    if benchmark.modality == "language":
        return "it asks for text, which no model of the run writes"
    if benchmark.modality == "vision":
        return "it shows images, which no model of the run takes (one that does: image_in = true in tocsin.toml)"
    return "it asks for images, which no model of the run makes (one that does: image_out = true in tocsin.toml)"
