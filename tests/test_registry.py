"""Names to files: what is registered is found by its name, and nothing else is imported on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

import tocsin
from tocsin import registry
from tocsin.attacks.contract import Attack, attack
from tocsin.benchmarks import Benchmark, benchmark
from tocsin.datasets import Dataset, Own
from tocsin.judges import Judge, judge
from tocsin.registry import Kind, UnknownName

KINDS: tuple[Kind, ...] = ("benchmark", "attack", "judge", "provider", "framework")


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """What a test registers is gone after it; what stands in files stays, since no module is run twice."""
    for kind in KINDS:
        for name in registry.names(kind):
            registry.find(kind, name)
    before, origins = {kind: dict(plugins) for kind, plugins in registry._registered.items()}, dict(registry._origins)
    yield
    for kind, plugins in before.items():
        registry._registered[kind].clear()
        registry._registered[kind].update(plugins)
    registry._origins.clear()
    registry._origins.update(origins)


def python(code: str, *, path: Path | None = None, seed: str = "0") -> str:
    """What a fresh interpreter prints."""
    source = Path(tocsin.__file__).parents[1]
    found = os.pathsep.join([str(path)] * (path is not None) + [str(source)])
    environment = os.environ | {"PYTHONPATH": found, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_listing_names_imports_no_plugin() -> None:
    told = python(
        "import json, sys\nfrom tocsin import registry\n"
        f"names = {{kind: registry.names(kind) for kind in {KINDS!r}}}\n"
        "plugins = [m for m in sys.modules if m.startswith('tocsin.') and m.count('.') >= 2]\n"
        "print(json.dumps([names, plugins]))"
    )
    names, modules = json.loads(told)
    assert {"starter", "xstest", "bbq", "strongreject", "strongreject-small"} <= set(names["benchmark"])
    assert "direct" in names["attack"]
    assert {"refusal", "choice"} <= set(names["judge"])
    assert "openai" in names["provider"]
    assert [module for module in modules if ".language" in module or ".transform" in module] == []
    assert "tocsin.judges.refusal" not in modules
    assert "tocsin.models.openai" not in modules


def test_finding_one_plugin_imports_no_other() -> None:
    told = python(
        "import json, sys\nfrom tocsin import registry\nregistry.find('benchmark', 'xstest')\n"
        "print(json.dumps([m for m in sys.modules if m.startswith('tocsin.benchmarks.language.')]))"
    )
    assert json.loads(told) == ["tocsin.benchmarks.language.xstest"]


def test_names_are_sorted_and_each_is_found() -> None:
    for kind in KINDS:
        names = registry.names(kind)
        assert names == sorted(set(names))
        assert names
        assert all(registry.find(kind, name) is not None for name in names)


def test_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no benchmark is named 'xtest': did you mean 'xstest'") as told:
        registry.find("benchmark", "xtest")
    assert told.value.near[0] == "xstest"
    with pytest.raises(UnknownName, match=r"no judge is named 'qqqqqqq': there are: .*refusal"):
        registry.find("judge", "qqqqqqq")


@pytest.mark.parametrize("name", ["Upper", "under_score", "", "-edge", "edge-", "two--hyphens", "with space", "naïve"])
def test_name_of_another_form_is_refused_at_definition(name: str) -> None:
    with pytest.raises(ValueError, match=r"a name is lower case, digits and hyphens"):
        registry.register("judge", name)


@pytest.mark.parametrize("name", ["a", "strongreject-small", "smollm2-135m", "bbq-1.1"])
def test_name_of_the_right_form_is_taken(name: str) -> None:
    plugin = registry.register("judge", name)(lambda: None)
    assert registry.find("judge", name) is plugin


def test_two_judges_of_one_name_are_refused() -> None:
    @judge("twin-of-a-test", reads="nothing")
    class One(Judge, frozen=True):
        """The first."""

    with pytest.raises(ValueError, match=r"judge 'twin-of-a-test' is registered twice: by .*One.* and by .*Two"):

        @judge("twin-of-a-test", reads="nothing")
        class Two(Judge, frozen=True):
            """The second."""

    assert registry.find("judge", "twin-of-a-test") is One


def test_two_benchmarks_of_one_name_are_refused() -> None:
    dataset = Dataset(name="none", title="none", origin=Own(), files=(), licence="none")

    def one(rows):  # type: ignore[no-untyped-def]
        """The first."""
        yield from ()

    def two(rows):  # type: ignore[no-untyped-def]
        """The second."""
        yield from ()

    made = benchmark("twin-of-a-test", dataset=dataset, judge="refusal")(one)
    with pytest.raises(ValueError, match=r"benchmark 'twin-of-a-test' is registered twice: by .*one.* and by .*two"):
        benchmark("twin-of-a-test", dataset=dataset, judge="refusal")(two)
    assert registry.find("benchmark", "twin-of-a-test") is made


def test_same_plugin_may_be_registered_again() -> None:
    """As when its module is loaded again."""

    @attack("again-of-a-test", kind="transform")
    class Again(Attack, frozen=True):
        """Once."""

    assert registry.register("attack", "again-of-a-test")(Again) is Again


def test_parameters_are_typed_and_the_valid_ones_are_listed() -> None:
    @judge("strict-of-a-test", reads="how much")
    class Strict(Judge, frozen=True):
        """Has two parameters."""

        threshold: float = 0.5
        words: tuple[str, ...] = ()

    made = registry.make("judge", "strict-of-a-test", {"threshold": 0.25, "words": ["a"]})
    assert (made.threshold, made.words) == (0.25, ("a",))
    with pytest.raises(ValueError, match=r"judge 'strict-of-a-test': .*`treshold`.*its parameters: threshold, words"):
        registry.make("judge", "strict-of-a-test", {"treshold": 0.25})
    with pytest.raises(ValueError, match=r"Expected `float`, got `str` - at `\$\.threshold`"):
        registry.make("judge", "strict-of-a-test", {"threshold": "high"})
    with pytest.raises(ValueError, match=r"its parameters: none"):
        registry.make("judge", "refusal", {"threshold": 1})
    with pytest.raises(UnknownName):
        registry.make("judge", "no-such-judge-at-all", {})


def test_parameters_are_frozen() -> None:
    @attack("frozen-of-a-test", kind="transform")
    class Frozen(Attack, frozen=True):
        """Has a parameter."""

        turns: int = 3

    with pytest.raises(AttributeError):
        Frozen(turns=4).turns = 5  # type: ignore[misc]


def test_identity_follows_from_name_version_and_parameters_alone() -> None:
    def made(version: int) -> type[Judge]:
        class Made(Judge, frozen=True):
            """Made anew each time."""

            threshold: float = 0.5
            mode: str = "plain"

        return judge("made-of-a-test", reads="how much", version=version)(Made)

    first, again, later = made(1), made(1), made(2)
    told = b'["made-of-a-test",1,{"mode":"plain","threshold":0.5}]'
    assert first().identity == f"made-of-a-test@{blake2b(told, digest_size=4).hexdigest()}"
    assert again().identity == first().identity
    assert first(threshold=0.5).identity == first().identity
    others = {later().identity, first(threshold=0.6).identity, first(mode="other").identity}
    assert len(others | {first().identity}) == 4


NEEDED: dict[str, dict[str, Any]] = {"panel": {"members": ["refusal", {"judge": "guard", "model": "a/guard"}]}}
"""Parameters of plug-ins that cannot be made without."""


def test_identity_is_the_same_in_every_process() -> None:
    code = (
        "from tocsin import registry\n"
        "for kind in ('judge', 'attack'):\n"
        "    for name in registry.names(kind):\n"
        f"        print(registry.make(kind, name, {NEEDED!r}.get(name, {{}})).identity)"
    )
    one, two = python(code, seed="1"), python(code, seed="2")
    assert one == two
    here = [
        registry.make(kind, name, NEEDED.get(name, {})).identity
        for kind in ("judge", "attack")
        for name in registry.names(kind)
    ]
    assert one.split() == here


def test_about_takes_its_title_from_the_first_line_of_the_docstring() -> None:
    @judge("told-of-a-test", reads="how much", source="arXiv 0000.00000", needs=("role judge",))
    class Told(Judge, frozen=True):
        """Says how much.

        And nothing else.
        """

    about = Told.about()
    assert (about.name, about.title, about.source) == ("told-of-a-test", "Says how much.", "arXiv 0000.00000")
    assert about.needs == ("role judge",)
    assert about.licence


def test_plugins_of_other_packages_are_listed_unloaded_and_found_by_their_entry_point(tmp_path: Path) -> None:
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tocsin.benchmarks]\ntheirs = others_bench\nabsent = others_bench\n[tocsin.judges]\nlenient = others_judge:Lenient\n"
    )
    (tmp_path / "others_bench.py").write_text(
        "from tocsin.benchmarks import benchmark\nfrom tocsin.datasets import Dataset, Own\n"
        "@benchmark('theirs', dataset=Dataset(name='t', title='t', origin=Own(), files=(), licence='MIT'), judge='lenient')\n"
        "def theirs(rows):\n    '''Of another package.'''\n    yield from ()\n"
    )
    (tmp_path / "others_judge.py").write_text(
        "from tocsin.judges import Judge, judge\n@judge('lenient', reads='nothing')\n"
        "class Lenient(Judge, frozen=True):\n    '''Says nothing.'''\n"
    )
    told = python(
        "import json, sys\nfrom tocsin import registry\n"
        "listed = 'theirs' in registry.names('benchmark') and 'lenient' in registry.names('judge')\n"
        "loaded = 'others_bench' in sys.modules\n"
        "found = registry.find('benchmark', 'theirs').title, registry.find('judge', 'lenient').__name__\n"
        "try:\n    registry.find('benchmark', 'absent')\nexcept registry.UnknownName as error:\n    why = str(error)\n"
        "print(json.dumps([listed, loaded, found, why]))",
        path=tmp_path,
    )
    listed, loaded, found, why = json.loads(told)
    assert listed
    assert not loaded
    assert found == ["Of another package.", "Lenient"]
    assert why.startswith("no benchmark is named 'absent'")


def test_families_are_found_without_the_packages_that_they_adapt() -> None:
    told = python(
        "import json, sys\nfrom tocsin import registry\n"
        "listed = registry.names('attack')\n"
        "loaded = [m for m in sys.modules if m.startswith('tocsin.attacks.adapters')]\n"
        "prefixes = [family.prefix for family in registry.families('attack')]\n"
        "there = [registry.exists('attack', name) for name in ('flip', 'pyrit/any', 'pyrit', 'nobody/any')]\n"
        "print(json.dumps([[n for n in listed if '/' in n], loaded, prefixes, there,"
        " [m for m in ('pyrit', 'garak') if m in sys.modules]]))"
    )
    assert json.loads(told) == [[], [], ["garak", "pyrit"], [True, True, False, False], []]
    with pytest.raises(UnknownName, match=r"no attack is named 'qqqqqqq/x': there are: .*pyrit/NAME"):
        registry.find("attack", "qqqqqqq/x")


def test_a_familys_prefix_is_a_name() -> None:
    family = registry.Family(prefix="Py/Rit", title="", source="", extra="", members=list, find=str)
    with pytest.raises(ValueError, match=r"a prefix is lower case, digits and hyphens"):
        registry.register_family("attack", family)


def test_benchmark_is_what_its_decorator_leaves_behind() -> None:
    assert isinstance(registry.find("benchmark", "starter"), Benchmark)
