"""Names to files: every plug-in is found by its name without importing any other.

A plug-in registers itself with a decorator (``@benchmark("xstest", …)``). The registry reads the names off the source
files, so a listing costs a few file reads and a lookup imports one module. A benchmark may also be a YAML file, whose
name is the file's. Other packages register through the entry
points ``tocsin.benchmarks``, ``tocsin.attacks``, ``tocsin.judges``, ``tocsin.labels``, ``tocsin.models`` and
``tocsin.frameworks``, whose values are modules, or objects in them, that use the same decorators.

A *family* is what another package brings under one prefix: ``pyrit/base64``. Its file (``@attack_family("pyrit", …)``) makes
the plug-in for what stands after the slash, and imports that package only then. Families are not among `names`, since nobody can
tell theirs without that package.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args, get_origin

import msgspec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = Literal["benchmark", "attack", "judge", "labels", "provider", "framework"]
Made = TypeVar("Made")

_HOMES: dict[Kind, tuple[str, str]] = {
    "benchmark": ("tocsin.benchmarks", "tocsin.benchmarks"),
    "attack": ("tocsin.attacks", "tocsin.attacks"),
    "judge": ("tocsin.judges", "tocsin.judges"),
    "labels": ("tocsin.judges.labels", "tocsin.labels"),
    "provider": ("tocsin.models", "tocsin.models"),
    "framework": ("tocsin.compliance.frameworks", "tocsin.frameworks"),
}
"""Kind → the package its files live in, and the entry-point group of other packages."""

_READERS: dict[Kind, str] = {
    "benchmark": "tocsin.benchmarks.yaml_file",
    "framework": "tocsin.compliance.framework",
}
"""Kind → the module that reads those that are data files, and is imported for them alone."""

_registered: dict[Kind, dict[str, Any]] = {kind: {} for kind in _HOMES}
_families: dict[Kind, dict[str, Family]] = {kind: {} for kind in _HOMES}
_origins: dict[tuple[Kind, str], str] = {}
"""Kind and name → what registered it, so that two of one name are told apart from one that is loaded again."""

NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing says of a plug-in."""

    name: str
    title: str
    source: str = ""
    """Paper or repository."""
    needs: tuple[str, ...] = ()
    """Roles, extras, licences to accept: what must be there before it runs."""
    licence: str = ""
    tags: dict[str, str] = {}
    """What else a kind of plug-in is told apart by, such as an attack's family."""


class Plugin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of judges and attacks: a frozen, keyword-only set of typed parameters.

    Class attributes are set by the decorators. What a plug-in does depends on its parameters and its version alone, so
    these make its identity: a change of either is another judge, or another attack.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 0
    source: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def identity(self) -> str:
        """``name@`` and eight hexadecimal digits over name, version and parameters."""
        told = msgspec.json.encode([self.name, self.version, msgspec.to_builtins(self)], order="deterministic")
        return f"{self.name}@{blake2b(told, digest_size=4).hexdigest()}"

    @classmethod
    def about(cls) -> About:
        """For listings: the first line of the docstring is the title."""
        title = (cls.__doc__ or "").strip().partition("\n")[0]
        return About(name=cls.name, title=title, source=cls.source, needs=cls.needs, licence="Apache-2.0")


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What another package brings, as ``prefix/NAME``.

    Attributes:
        prefix: What stands before the slash.
        title: For listings.
        source: Where the package is from.
        extra: The extra of tocsin that installs it.
        members: The names after the slash.
        find: The plug-in of such a name.

    Both functions raise `ExtraMissing` where the package is not installed, and `find` raises `UnknownName` where it has none of
    that name.
    """

    prefix: str
    title: str
    source: str
    extra: str
    members: Callable[[], list[str]]
    find: Callable[[str], Any]

    def about(self) -> list[About]:
        """For listings: every plug-in, or one line that says how to have them."""
        try:
            return [self.find(name).about() for name in self.members()]
        except ExtraMissing as missing:
            title = f"{self.title} ({missing.mend} lists them)"
            return [About(name=f"{self.prefix}/NAME", title=title, source=self.source, needs=(f"extra {self.extra}",))]


class ExtraMissing(ValueError):
    """A package that an extra brings is not installed. `mend` says how to have it."""

    def __init__(self, what: str, extra: str) -> None:
        self.mend = f"pip install 'tocsin[{extra}]'"
        super().__init__(f"{what} needs the extra {extra!r}: {self.mend}")


class UnknownName(LookupError):
    """No plug-in of that kind has that name. `near` holds the closest that exist."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        self.kind, self.name, self.known = kind, name, known
        self.near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, self.near))}?" if self.near else f"there are: {', '.join(known)}"
        super().__init__(f"no {kind} is named {name!r}: {hint}")


def register(kind: Kind, name: str, *, made_of: Any = None) -> Callable[[Made], Made]:
    """A decorator that registers what it decorates under a name.

    Args:
        kind: What it is.
        name: Its name.
        made_of: The function or class that stands in the file, where what is registered was made of it.

    Raises:
        ValueError: The name is not lower case with hyphens, or is taken by another plug-in.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{kind} {name!r}: a name is lower case, digits and hyphens, as in 'strongreject-small'")

    def keep(plugin: Made) -> Made:
        here = _origin(plugin if made_of is None else made_of)
        there = _origins.setdefault((kind, name), here)
        if there != here:
            raise ValueError(f"{kind} {name!r} is registered twice: by {there} and by {here}")
        _registered[kind][name] = plugin
        return plugin

    return keep


def register_family(kind: Kind, family: Family) -> None:
    """Registers a family, whose file must say ``@KIND_family("PREFIX"`` so that it is found.

    Raises:
        ValueError: The prefix is not lower case with hyphens.
    """
    if not NAME.fullmatch(family.prefix):
        raise ValueError(f"{kind} family {family.prefix!r}: a prefix is lower case, digits and hyphens, as in 'pyrit'")
    _families[kind][family.prefix] = family


def families(kind: Kind) -> list[Family]:
    """The families of a kind, by prefix. Imports their files, and nothing of the packages that they adapt."""
    return [found for prefix in sorted(_own_files(kind, "_family")) if (found := _family(kind, prefix))]


def exists(kind: Kind, name: str) -> bool:
    """Whether there is a plug-in of that name, or a family of its prefix, which alone could say."""
    prefix, slash, _ = name.partition("/")
    return name in names(kind) or (bool(slash) and _family(kind, prefix) is not None)


def make(kind: Kind, name: str, parameters: dict[str, Any]) -> Any:
    """A judge or an attack by name, with its parameters.

    Raises:
        UnknownName: There is none of that name.
        ValueError: A parameter is unknown or of the wrong type; the valid ones are listed.
    """
    cls: type[Plugin] = find(kind, name)
    try:
        return msgspec.convert(parameters, cls)
    except msgspec.ValidationError as error:
        fields = msgspec.structs.fields(cls)
        valid = ", ".join(field.name for field in fields) or "none"
        words = next((_choices(f.type) for f in fields if f"$.{f.name}`" in str(error)), "")
        raise ValueError(f"{kind} {name!r}: {error}{words} (its parameters: {valid})") from error


def _choices(kind: Any) -> str:
    """The words that a parameter may be, where it is one of some."""
    words = get_args(kind) if get_origin(kind) is Literal else ()
    return f": it is one of {', '.join(map(str, words))}" if words else ""


def names(kind: Kind) -> list[str]:
    """All registered names of a kind, sorted, without importing one."""
    return sorted({*_registered[kind], *_own_files(kind), *_entry_points(kind)})


def find(kind: Kind, name: str) -> Any:
    """The plug-in of that name.

    Raises:
        UnknownName: There is none; the message suggests the nearest names.
        ExtraMissing: It is of a family whose package is not installed.
    """
    prefix, slash, member = name.partition("/")
    if slash and (family := _family(kind, prefix)):
        return family.find(member)
    if name not in _registered[kind]:
        if module := _own_files(kind).get(name):
            if module.endswith(".yaml"):
                importlib.import_module(_READERS[kind]).register_file(module)
            else:
                importlib.import_module(module)
        elif point := _entry_points(kind).get(name):
            point.load()
    try:
        return _registered[kind][name]
    except KeyError:
        known = [*names(kind), *(f"{prefix}/NAME" for prefix in sorted(_own_files(kind, "_family")))]
        raise UnknownName(kind, name, known) from None


def _family(kind: Kind, prefix: str) -> Family | None:
    if prefix not in _families[kind] and (module := _own_files(kind, "_family").get(prefix)):
        importlib.import_module(module)
    return _families[kind].get(prefix)


def _origin(plugin: Any) -> str:
    return f"{getattr(plugin, '__module__', '')}.{getattr(plugin, '__qualname__', repr(type(plugin)))}"


@cache
def _own_files(kind: Kind, mark: str = "") -> dict[str, str]:
    """Name → module of this package, read off the decorators in the source text, or path of a data file.

    With the mark ``_family``: prefix → module of a family.
    """
    package, _ = _HOMES[kind]
    decorator = re.compile(rf'^@{kind}{mark}\(\s*"([a-z0-9.-]+)"', re.MULTILINE)
    found: dict[str, str] = {}

    def walk(folder: Any, module: str) -> None:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith(("_", ".")):
                walk(entry, f"{module}.{entry.name}")
            elif entry.name.endswith(".py") and entry.name != "__init__.py":
                for name in decorator.findall(entry.read_text(encoding="utf-8")):
                    found[name] = f"{module}.{entry.name[:-3]}"
            elif entry.name.endswith(".yaml") and kind in _READERS and not mark:
                found[entry.name.removesuffix(".yaml")] = str(entry)

    walk(resources.files(package), package)
    return found


@cache
def _entry_points(kind: Kind) -> dict[str, EntryPoint]:
    from importlib import metadata  # it takes time, and most look-ups end before it

    return {point.name: point for point in metadata.entry_points(group=_HOMES[kind][1])}
