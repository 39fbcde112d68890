"""Reading the YAML files of this folder and a user's own: as UTF-8, with every scalar as text and no key twice."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import yaml

from tocsin.models.config import ConfigError

_MAX_BYTES = 2**21
_BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_LIKELY = {"GB18030": "gb18030", "Big5": "big5hkscs", "Shift_JIS": "shift_jis", "EUC-KR": "euc_kr"}
"""iconv's name of an encoding that regulations are found in → Python's."""


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds: its values are text, lists and mappings, nothing else.

    Raises:
        ConfigError: The file cannot be read, is not UTF-8, is not YAML, or names a field twice. The message does not
            name the file: whoever asked for it does.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(f"is larger than {_MAX_BYTES // 2**20} MB, which no framework's clauses are")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(_not_utf8(path, raw, error)) from error
    try:
        data = yaml.load(text, Loader=_Texts)  # noqa: S506  (makes text, lists and mappings, nothing else)
    except RecursionError as error:
        raise ConfigError("is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(data, dict):
        raise ConfigError("is not a mapping of names to values")
    return data


class _Texts(yaml.BaseLoader):
    """Makes text, lists and mappings; a field that stands twice is refused, since only the last would count."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)


def _not_utf8(path: Path, raw: bytes, error: UnicodeDecodeError) -> str:
    line = raw.count(b"\n", 0, error.start) + 1
    marked = [name for mark, name in _BOMS.items() if raw.startswith(mark)]
    likely = marked or [name for name, codec in _LIKELY.items() if _decodes(raw, codec)]
    if not likely:
        return f"is not UTF-8 (line {line}, byte {error.start}), and in no encoding that is likely: save it as UTF-8"
    guess = f"{likely[0]} with a byte order mark" if marked else " or ".join(likely)
    mend = f"iconv -f {likely[0]} -t UTF-8 {path.name} > {path.stem}-utf8{path.suffix}"
    which = "" if len(likely) == 1 else ", with the encoding that it is in,"
    return f"is not UTF-8 (line {line}, byte {error.start}); it may be {guess}. Convert it{which} by: {mend}"


def _decodes(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
