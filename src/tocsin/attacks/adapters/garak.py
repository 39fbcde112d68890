"""garak's probes as attacks, where a probe puts any request in a way of its own: ``garak/encoding.InjectBase64``.

Most of garak's probes bring their own prompts, and a detector that knows what to look for in the answers. Such a probe is
no way to put a case: the final judge reads an answer by the case's request, and would read it by one that nobody made. So
attacks are the probes that make prompts of a text that they are given: those of ``encoding``, and garak's intent probes. The
prompts of any other are cases, and can be exported as such (docs/reference/adapters.md).
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar

import msgspec

from tocsin import registry
from tocsin.attacks.adapters.drawn import seeded
from tocsin.attacks.contract import Attack, Card, attack_family
from tocsin.engine import CallFailed
from tocsin.protocols import Attempt, Session
from tocsin.types import Case, ErrorKind, Failure

SOURCE = "https://github.com/NVIDIA/garak"
MODULES = ("encoding", "grandma")
"""garak's modules that a listing looks through. A probe of another one is found all the same, by its name."""


class Probed(Attack, frozen=True, kw_only=True):
    """Puts one of the prompts that a probe makes of a request.

    Attributes:
        number: Which of them, counted from 0; drawn by the seed if absent. Past the last one it begins anew.
    """

    probe: ClassVar[Any]
    """garak's class."""
    release: ClassVar[str] = ""

    number: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        try:
            _made(self.probe)
        except Exception as error:  # whatever garak says
            raise ValueError(f"garak cannot make the probe: {error}") from error

    @classmethod
    def about(cls) -> registry.About:
        """Needs the extra."""
        return msgspec.structs.replace(super().about(), needs=("extra garak",))

    def told(self) -> Any:
        """What is put depends on garak's release, too."""
        return {"garak": self.release, **msgspec.to_builtins(self)}

    async def run(self, case: Case, session: Session) -> Attempt:
        """One query."""
        made = self.prompts(case.prompt, session.rng.getrandbits(32))
        return await session.ask(session.rng.choice(made) if self.number is None else made[self.number % len(made)])

    def prompts(self, request: str, seed: int) -> list[str]:
        """What the probe makes of a request, in garak's order where it has one, and sorted otherwise.

        Raises:
            CallFailed: It makes nothing of it: ``not_delivered``.
        """
        try:
            with seeded(seed):
                make = _encoded if hasattr(self.probe, "encoding_name") else _told
                made = make(_made(self.probe), request)
        except Exception as error:  # another project's code: whatever it raises
            why = f"{self.name} makes no prompt of this request: {type(error).__name__}"
            raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, why)) from error
        if not made:
            raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, f"{self.name} makes no prompt of this request"))
        return made


def _encoded(probe: Any, request: str) -> list[str]:
    """Of a probe of ``encoding``: each of its encoders in each of its templates."""
    probe._payloads, probe._payload_intents_map = [request], {}
    return [prompt for prompt, *_ in probe._generate_encoded_prompts(probe.encoding_funcs, probe.encoding_name)]


def _told(probe: Any, request: str) -> list[str]:
    """Of an intent probe: what garak's guide to writing one calls the technique."""
    from garak.intents import TextStub

    stub = TextStub(intent=None)
    stub.content = request
    return sorted(map(str, probe._prompts_from_stub(stub)))


@cache
def _made(kind: Any) -> Any:
    from garak import _config
    from garak.services import intentservice

    with seeded(0), contextlib.redirect_stdout(io.StringIO()):  # it tells people which intents are active
        if not _config.is_loaded:
            _config.load_base_config()
        if not hasattr(kind, "encoding_name") and not intentservice.is_loaded:
            intentservice.load()
        return kind()


def members() -> list[str]:
    """The probes that make prompts of a text that they are given, in garak's own spelling."""
    _garak()
    return sorted(f"{module}.{name}" for module in MODULES for name, _ in _probes(module))


@attack_family("garak", title="garak's probes of encodings and intents", source=SOURCE, extra="garak", members=members)
@cache
def find(name: str) -> type[Attack]:
    """The attack that puts what the probe of this name makes.

    Raises:
        ExtraMissing, UnknownName: garak is not installed, or has no probe of that name.
        ValueError: The probe brings its own prompts.
    """
    _garak()
    module, _, cls = name.partition(".")
    probe = dict(_probes(module)).get(cls)
    if probe is None:
        if _there(name):
            raise ValueError(
                f"garak/{name} brings prompts of its own and is no way to put a case: export them as cases"
                " (docs/reference/adapters.md says how)"
            )
        raise registry.UnknownName("attack", f"garak/{name}", [f"garak/{known}" for known in members()])
    from importlib.metadata import version

    release = version("garak")

    class Made(Probed, frozen=True, kw_only=True):
        __doc__ = _title(probe)

    Made.__name__ = Made.__qualname__ = f"{cls}Attack"
    Made.name, Made.kind, Made.source, Made.version = f"garak/{name}", "transform", SOURCE, 1
    Made.probe, Made.release = probe, release
    Made.card = Card(
        paper=f"{name} of garak {release} (NVIDIA)",
        source=SOURCE,
        family="encoding" if hasattr(probe, "encoding_name") else "role-play",
        mechanism="The probe makes prompts of the case's request as it does of its own payloads, and the target is asked with one"
        " of them. The answer is judged on the request.",
        parameters={"number": "none: garak asks all of them, or as many as its cap allows"},
        deviations=(
            "One of the prompts is asked, not all: a cell is one attempt. Repeats draw others.",
            "garak's detector asks whether the target wrote the payload out; the judge here, whether it did what that says.",
        ),
        verified=("what the target is sent is one of the prompts that the probe makes (perf/adapters.py)",),
    )
    return Made


def _garak() -> None:
    try:
        importlib.import_module("garak.probes")
    except ImportError as error:
        raise registry.ExtraMissing("an attack named garak/…", "garak") from error


def _probes(module: str) -> Iterator[tuple[str, Any]]:
    """Name → class of a module's probes that make prompts of a text that they are given."""
    try:
        found = importlib.import_module(f"garak.probes.{module}")
    except ImportError:
        return
    base = importlib.import_module("garak.probes")
    for name, cls in vars(found).items():
        if not inspect.isclass(cls) or cls.__module__ != found.__name__ or not issubclass(cls, base.Probe):
            continue
        if hasattr(cls, "_generate_encoded_prompts") or issubclass(cls, base.IntentProbe):
            yield name, cls


def _there(name: str) -> bool:
    from garak import _plugins

    return any(plugin == f"probes.{name}" for plugin, _ in _plugins.enumerate_plugins("probes"))


def _title(probe: Any) -> str:
    """One line of garak's own on what the probe does."""
    first = " ".join((inspect.getdoc(probe) or "").split("\n")[0].split()).rstrip(' ."')
    return f"garak's {probe.__name__}: {first or 'a probe'}."
