"""PyRIT's converters as attacks: ``pyrit/base64`` puts what `Base64Converter` makes of the case's prompt."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import inspect
import io
import re
import types
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import msgspec

from tocsin import registry
from tocsin.attacks import ciphers, decoding
from tocsin.attacks.adapters.drawn import seeded
from tocsin.attacks.contract import Attack, Card, Family, attack_family
from tocsin.engine import CallFailed
from tocsin.protocols import Attempt, Session
from tocsin.types import Case, ErrorKind, Failure

SOURCE = "https://github.com/microsoft/PyRIT"
MODEL = "converter_target"
"""The parameter by which a converter takes a model of its own."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("code-attack", "code-chameleon"), "code"),
    **dict.fromkeys(("policy-puppetry", "template-segment"), "role-play"),
    **dict.fromkeys(("colloquial-wordswap", "task-framing", "suffix-append", "search-replace"), "semantic"),
    **dict.fromkeys(("sata-masking", "puzzled", "math-obfuscation", "acrostic", "negation-trap"), "reasoning"),
}
"""Name → family; all others write the prompt in other characters."""


class Converted(Attack, frozen=True, kw_only=True):
    """Puts what a converter makes of the prompt.

    Attributes:
        decode: Whether answers are read through the cipher's way back: ``asked`` where the converter asks for an answer in it.
    """

    converter: ClassVar[Any]
    """PyRIT's class."""
    release: ClassVar[str] = ""

    decode: Literal["asked", "always", "never"] = "asked"

    def __post_init__(self) -> None:
        try:
            self.made(0)
        except Exception as error:  # whatever PyRIT says of these options
            raise ValueError(str(error)) from error
        if self.decode == "always" and self.reader() is None:
            raise ValueError("decode is 'always', and there is no way back from what this converter writes")

    @classmethod
    def about(cls) -> registry.About:
        """PyRIT's own licence, and the extra."""
        return msgspec.structs.replace(super().about(), needs=("extra pyrit",), licence="MIT")

    def told(self) -> Any:
        """What is put depends on PyRIT's release, too."""
        return {"pyrit": self.release, **msgspec.to_builtins(self)}

    async def run(self, case: Case, session: Session) -> Attempt:
        """One query."""
        attempt = await session.ask(self.convert(case.prompt, session.rng.getrandbits(32)))
        reader = self.reader()
        wanted = self.decode == "always" or (self.decode == "asked" and getattr(self, "append_description", False))
        return decoding.read(attempt, reader) if reader and wanted else attempt

    def convert(self, prompt: str, seed: int) -> str:
        """What the converter makes of a prompt.

        Raises:
            CallFailed: It cannot convert it: ``not_delivered``.
        """
        try:
            # Nothing else goes on meanwhile: random numbers and the output are the whole process's.
            with ThreadPoolExecutor(max_workers=1) as pool:
                return pool.submit(self._convert, prompt, seed).result()
        except Exception as error:  # another project's code: whatever it raises
            why = f"{self.name} does not convert this prompt: {type(error).__name__}"
            raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, why)) from error

    def _convert(self, prompt: str, seed: int) -> str:
        """The conversion itself, in a thread and an event loop of its own."""
        from pyrit.common.random_context import random_execution

        own = getattr(self, "seed", None) is not None  # then it draws as it does without tocsin
        drawn = contextlib.nullcontext() if own else random_execution(namespace="tocsin", seed=seed)
        quiet = contextlib.redirect_stdout(io.StringIO())  # a few print parts of the prompt
        with seeded(seed), drawn, quiet:
            made = asyncio.run(self.made(seed).convert_async(prompt=prompt, input_type="text"))
        return str(made.output_text)

    def made(self, seed: int) -> Any:
        """The converter with these parameters, and with this seed where it takes one and none was given."""
        fields = [field for field in msgspec.structs.fields(self) if field.name != "decode"]
        said = {field.name: getattr(self, field.name) for field in fields if getattr(self, field.name) != field.default}
        if any(field.name == "seed" for field in fields):
            said.setdefault("seed", seed)
        return self.converter(**said)

    def reader(self) -> decoding.Reader | None:
        """How an answer in what the converter writes is read; None where there is no way back."""
        match self.name.partition("/")[2]:
            case "base64" if getattr(self, "encoding_func", "") in ("b64encode", "standard_b64encode"):
                return decoding.base64_text
            case "rot13":
                return partial(decoding.letters, undo=ciphers.rot13)
            case "caesar":
                return partial(decoding.letters, undo=partial(ciphers.caesar, shift=-getattr(self, "caesar_offset", 0)))
            case "atbash":
                return partial(decoding.letters, undo=ciphers.atbash)
            case "vigenere":
                return partial(decoding.letters, undo=partial(_unkeyed, key=getattr(self, "key", "")))
            case "morse":
                return decoding.morse
            case "leetspeak":
                return decoding.leet
        return None


def _unkeyed(text: str, key: str) -> str:
    """The way back from the Vigenère cipher; the key moves on with letters alone."""
    places = (ord(key[number % len(key)].upper()) - ord("A") for number in range(len(text)))
    return "".join(ciphers.caesar(c, -next(places)) if c.isascii() and c.isalpha() else c for c in text)


def members() -> list[str]:
    """The converters that take text, give text, ask no model, and whose options can be written down."""
    return sorted(_converters())


@attack_family("pyrit", title="PyRIT's converters", source=SOURCE, extra="pyrit", members=members)
@cache
def find(name: str) -> type[Attack]:
    """The attack that puts what the converter of this name makes.

    Raises:
        ExtraMissing, UnknownName: PyRIT is not installed, or has none of that name.
    """
    there = _converters()
    if name not in there:
        raise registry.UnknownName("attack", f"pyrit/{name}", [f"pyrit/{known}" for known in sorted(there)])
    from importlib.metadata import version

    converter, release = there[name], version("pyrit")
    made: Any = msgspec.defstruct(
        f"{converter.__name__}Attack",
        [*(_options(converter) or ())],
        bases=(Converted,),
        module=__name__,
        namespace={"__doc__": _title(converter)},
        frozen=True,
        kw_only=True,
    )
    made.name, made.kind, made.source, made.version = f"pyrit/{name}", "transform", SOURCE, 1
    made.converter, made.release = converter, release
    made.card = Card(
        paper=f"{converter.__name__} of PyRIT {release} (Microsoft)",
        source=SOURCE,
        family=_FAMILIES.get(name, "encoding"),
        mechanism="The case's prompt goes through the converter, and the target is asked with what comes out. The answer is"
        " judged on the case's own request.",
        parameters={
            "decode": "none: PyRIT leaves answers as they are",
            **{field: "the converter's own option" for field, *_ in _options(converter) or ()},
        },
        deviations=(
            "None in what is put: it is the converter's own output. Its random numbers follow the run's seed.",
            "An answer in a cipher is decoded before it is judged, where the converter asks for one; PyRIT's scorers do not.",
        ),
        verified=("what the target is sent equals the converter called directly (perf/adapters.py)",),
    )
    kind: type[Attack] = made
    return kind


@cache
def _converters() -> dict[str, Any]:
    try:
        from pyrit import converter
    except ImportError as error:
        raise registry.ExtraMissing("an attack named pyrit/…", "pyrit") from error
    found = {}
    for exported in converter.__all__:
        cls: Any = getattr(converter, exported)
        if not inspect.isclass(cls) or not issubclass(cls, converter.Converter) or inspect.isabstract(cls):
            continue
        takes, gives = getattr(cls, "SUPPORTED_INPUT_TYPES", ()), getattr(cls, "SUPPORTED_OUTPUT_TYPES", ())
        texts = "text" in takes and tuple(gives) == ("text",)
        if texts and _options(cls) is not None:
            found[_WORD.sub("-", cls.__name__.removesuffix("Converter")).lower()] = cls
    return found


def _options(converter: Any) -> list[tuple[str, Any, Any]] | None:
    """The options that can be written down: name, type, default. None where one that must be given cannot, as a model."""
    options = []
    making = inspect.unwrap(converter.__init__)
    for option in list(inspect.signature(making).parameters.values())[1:]:
        if option.kind in (option.VAR_POSITIONAL, option.VAR_KEYWORD):
            continue
        must = option.default is option.empty
        if option.name == MODEL and option.default is not None:
            return None
        sort = _sort(option.annotation, making.__globals__)
        if option.name in (MODEL, "decode") or not _writable(sort):
            if must:
                return None
            continue
        options.append((option.name, sort, msgspec.NODEFAULT if must else option.default))
    return options


def _sort(annotation: Any, where: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, where)  # noqa: S307  # an annotation in the source of a package that runs anyway
    except Exception:
        return None  # a name that is there for type checkers alone


def _writable(sort: Any) -> bool:
    """Whether a suite can say values of a type."""
    if get_origin(sort) in (Union, types.UnionType, tuple, list):
        if not all(part is Ellipsis or _writable(part) for part in get_args(sort)):
            return False
        try:
            msgspec.json.Decoder(sort)
        except TypeError:  # a union whose parts cannot be told apart
            return False
        return True
    named = get_origin(sort) is Literal or (inspect.isclass(sort) and issubclass(sort, enum.Enum))
    return named or sort in (str, int, float, bool, types.NoneType)


def _title(converter: Any) -> str:
    """One line of PyRIT's own on what the converter does."""
    first = " ".join((inspect.getdoc(converter) or "").split("\n\n")[0].split())
    first = first[:150].rstrip(" .") if first else "a converter"
    return f"PyRIT's {converter.__name__}: {first}."
