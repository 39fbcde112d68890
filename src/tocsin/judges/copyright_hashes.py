"""Reference hashes of protected works: a folder with one file a work.

``REFERENCE.json`` is tocsin's own form: ``{"permutations": 128, "seed": 1, "windows": [[…], …]}``, where a window is its 128
smallest hashes as `tocsin.judges.copyright_minhash` makes them. Nothing of a work can be read off it.

``REFERENCE.pkl`` is the form that HarmBench publishes: a pickled list of ``datasketch.MinHash``. A pickle is a program, and
this one is not run: `pickletools` lists its steps, `_Machine` follows those that put together lists, numbers and bytes,
and whatever would be imported or called becomes a record of its name and arguments. Any other step makes the file
unreadable.
"""

from __future__ import annotations

import json
import pickletools
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tocsin.judges.copyright_minhash import PERMUTATIONS, SEED, Signatures, permutations

ENDINGS = (".json", ".pkl")
_LARGEST_FILE = 64 * 2**20
_ARRAY, _BUFFER = "numpy.ndarray", "numpy.frombuffer"
_NUMBERS = {("u8",), ("u4",), ("i8",)}


class Unreadable(ValueError):
    """There are no hashes of a work, or they cannot be used. The message names the file."""


class References:
    """The reference hashes in a folder, read when they are asked for.

    Raises:
        ValueError: There is no such folder, or it holds none.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).expanduser()
        if not self._folder.is_dir():
            raise ValueError(f"hashes: there is no folder {folder}")
        self._files = {
            path.stem: path for path in sorted(self._folder.iterdir(), reverse=True) if path.suffix in ENDINGS
        }  # a .json goes before a .pkl of the same work
        if not self._files:
            raise ValueError(f"hashes: the folder {folder} holds no reference (NAME.pkl of HarmBench, or NAME.json)")
        self.of = lru_cache(256)(self._of)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and the bytes of all references."""
        found = sha256()
        for name, path in sorted(self._files.items()):
            found.update(f"{name}\0{sha256(_bytes(path)).hexdigest()}\0".encode())
        return found.hexdigest()

    def _of(self, name: str) -> Signatures:
        """The signatures of a work's windows.

        Raises:
            Unreadable: There are none of that name, or they are of another kind.
        """
        path = self._files.get(name)
        if path is None:
            raise Unreadable(f"there are no reference hashes named {name[:60]!r}")
        try:
            found = _json(_bytes(path)) if path.suffix == ".json" else _pickled(_bytes(path))
        except Unreadable as error:
            raise Unreadable(f"{path.name}: {error}") from error
        except Exception as error:  # whatever a damaged file leads to
            raise Unreadable(f"{path.name}: cannot be read ({type(error).__name__})") from error
        if not len(found):
            raise Unreadable(f"{path.name}: holds no windows")
        return found


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"{path.name} is larger than {_LARGEST_FILE >> 20} MB: no reference is")
    return path.read_bytes()


class _Json(msgspec.Struct, forbid_unknown_fields=True):
    permutations: int
    seed: int
    windows: list[list[int]]


def _json(raw: bytes) -> Signatures:
    try:
        said = msgspec.json.decode(raw, type=_Json)
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)[:200]) from error
    if (said.permutations, said.seed) != (PERMUTATIONS, SEED):
        raise Unreadable(f"is not of {PERMUTATIONS} permutations with seed {SEED}")
    return _table(said.windows)


def encoded(found: Signatures) -> bytes:
    """Signatures in the form of ``REFERENCE.json``."""
    said = {"permutations": PERMUTATIONS, "seed": SEED, "windows": found.tolist()}
    return json.dumps(said, separators=(",", ":")).encode()


def _table(windows: Any) -> Signatures:
    """Windows as an array, if each has a 32-bit number for each permutation."""
    wide = [np.asarray(window) for window in windows]
    for one in wide:
        if one.shape != (PERMUTATIONS,) or one.dtype.kind not in "iu" or one.min() < 0 or one.max() >= 2**32:
            raise Unreadable(f"a window is not {PERMUTATIONS} numbers of 32 bits")
    return np.array(wide, dtype=np.uint32).reshape(-1, PERMUTATIONS)


def _pickled(raw: bytes) -> Signatures:
    said = _Machine(raw).result
    if not isinstance(said, list):
        raise Unreadable("is not a list of hashes")
    windows: list[Any] = []
    for one in said:
        state = one.state if isinstance(one, _Made) else None
        if not isinstance(one, _Made) or one.name.rpartition(".")[2] != "MinHash" or not isinstance(state, dict):
            raise Unreadable("an element is no MinHash")
        if state.get("num_perm", PERMUTATIONS) != PERMUTATIONS or state.get("seed") != SEED:
            raise Unreadable(f"is not of {PERMUTATIONS} permutations with seed {SEED}")
        drawn = state.get("permutations")
        if drawn is not None and not np.array_equal(_array(drawn), permutations()):
            raise Unreadable("was made with other permutations than datasketch 1.x draws")
        windows.append(_array(state.get("hashvalues")))
    return _table(windows)


class _Made:
    """What a pickle would import, or make by a call: the name and, if there are any, the arguments and the state."""

    def __init__(self, name: str, arguments: Any = None) -> None:
        self.name, self.arguments, self.state = name, arguments, None


def _array(made: Any) -> Any:
    """A numpy array from its record: its state, or what protocol 5 has in a call's arguments."""
    if isinstance(made, _Made) and made.name == _BUFFER and isinstance(made.arguments, tuple):
        data, kind, shape, order = made.arguments
    elif isinstance(made, _Made) and made.name == _ARRAY and isinstance(made.state, tuple):
        _, shape, kind, by_columns, data = made.state
        order = "F" if by_columns else "C"
    else:
        raise Unreadable("hashes are no numpy array")
    plain = isinstance(kind, _Made) and isinstance(kind.arguments, tuple) and kind.name == "numpy.dtype"
    if not plain or kind.arguments[:1] not in _NUMBERS or not isinstance(data, bytes | bytearray):
        raise Unreadable("hashes are no array of whole numbers")
    if isinstance(kind.state, tuple) and kind.state[1] == ">":
        raise Unreadable("hashes are not little-endian")
    return np.frombuffer(data, dtype=f"<{kind.arguments[0]}").reshape(shape, order="F" if order == "F" else "C")


_NAMES = {
    "copyreg._reconstructor", "copy_reg._reconstructor", "builtins.object", "__builtin__.object",
    "datasketch.minhash.MinHash", "datasketch.hashfunc.sha1_hash32", "numpy.ndarray", "numpy.dtype",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer", "_codecs.encode",
}  # fmt: skip
"""All that HarmBench's files name."""


class _Machine:
    """Follows the steps of a pickle without importing or calling anything."""

    def __init__(self, raw: bytes) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        for opcode, value, _ in pickletools.genops(raw):
            self._step(opcode.name, value)
        if len(self.stack) != 1:
            raise Unreadable("is no whole pickle")
        self.result = self.stack[0]

    def _step(self, name: str, value: Any) -> None:
        stack = self.stack
        if name in ("PROTO", "FRAME", "STOP"):
            return
        if name in _VALUES:
            stack.append(value)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[int(value)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[int(value)])
        elif name in ("LIST", "TUPLE", "DICT"):
            found = self._since_mark()
            stack.append(found if name == "LIST" else tuple(found) if name == "TUPLE" else _pairs(found))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self._last(int(name[-1]))))
        elif name in ("APPEND", "APPENDS"):
            found = self._last(1) if name == "APPEND" else self._since_mark()
            stack[-1].extend(found)
        elif name in ("SETITEM", "SETITEMS"):
            found = self._last(2) if name == "SETITEM" else self._since_mark()
            stack[-1].update(_pairs(found))
        elif name == "GLOBAL":
            stack.append(_named(value.replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            stack.append(_named(".".join(map(str, self._last(2)))))
        elif name in ("REDUCE", "NEWOBJ"):
            made, arguments = self._last(2)
            stack.append(_called(made, arguments))
        elif name == "BUILD":
            (state,) = self._last(1)
            if not isinstance(stack[-1], _Made):
                raise Unreadable("sets the state of what has none")
            stack[-1].state = state
        else:
            raise Unreadable(f"has a step {name}, which is not followed")

    def _last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise Unreadable("is no whole pickle")
        found = self.stack[-count:]
        del self.stack[-count:]
        return found

    def _since_mark(self) -> list[Any]:
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found


_VALUES = frozenset(
    {
        "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "SHORT_BINUNICODE", "BINUNICODE", "UNICODE",
        "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8", "SHORT_BINSTRING", "BINSTRING",
    }
)  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def _pairs(found: list[Any]) -> dict[Any, Any]:
    return dict(zip(found[::2], found[1::2], strict=True))


def _named(name: str) -> _Made:
    if name not in _NAMES:
        raise Unreadable(f"names {name[:60]!r}, which hashes have no need of")
    return _Made(name)


def _called(made: Any, arguments: Any) -> Any:
    """What a call would give, as a record; bytes that protocol 2 spells as Latin-1 text become bytes again."""
    if not isinstance(made, _Made) or made.arguments is not None or not isinstance(arguments, tuple):
        raise Unreadable("calls what is no class of hashes")
    if made.name == "_codecs.encode":
        text, coding = arguments
        if coding != "latin1":
            raise Unreadable("holds bytes in another coding than Latin-1")
        return text.encode("latin-1")
    if made.name == "copyreg._reconstructor" or made.name == "copy_reg._reconstructor":
        return _Made(arguments[0].name, ())
    if made.name.endswith("._reconstruct"):
        return _Made(_ARRAY, ())
    if made.name.endswith("._frombuffer"):
        return _Made(_BUFFER, arguments)
    return _Made(made.name, arguments)
