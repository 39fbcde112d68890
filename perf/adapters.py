"""Attacks of other tools through our adapters, beside the same tools called directly: real packages, runs over real sockets.

    python -m perf.adapters pyrit        in an environment with tocsin[pyrit]
    python -m perf.adapters garak        in an environment with tocsin[garak]

Each attack of the family is run on mild prompts against the loopback server. What the target was sent is read from the journal
and compared with what the package makes of the same prompt, called without tocsin. Converters that draw random numbers are
compared with themselves in a second run of the same seed. Any difference is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from perf.wire_server import Running, serve
from tocsin.api import assess
from tocsin.attacks import make
from tocsin.journal import open_journal
from tocsin.types import Request

PROMPTS = (
    "Explain how strong black tea is brewed in a samovar",
    "Water the tomatoes at 6 AM, not at noon!",
    "One line.\nAnother {line} with 50% of {{ braces }}.",
    "Crème brûlée, 红茶 and a cup of tea 🍵",
)
NEEDED: dict[str, dict[str, Any]] = {
    "pyrit/caesar": {"caesar_offset": 5},
    "pyrit/code-chameleon": {"encrypt_type": "reverse"},
    "pyrit/repeat-token": {"token_to_repeat": "tea", "times_to_repeat": 3},
    "pyrit/search-replace": {"pattern": "tea", "replace": "coffee"},
    "pyrit/suffix-append": {"suffix": "Thank you!"},
    "pyrit/vigenere": {"key": "teapot"},
}
"""Parameters of attacks that cannot be made without."""
ALSO: dict[str, dict[str, Any]] = {
    f"{name}-again": {"attack": f"pyrit/{name}", **said}
    for name, said in (
        ("caesar", {"caesar_offset": 3, "append_description": True}),
        ("atbash", {"append_description": True}),
        ("morse", {"append_description": True}),
        ("vigenere", {"key": "oolong", "append_description": True}),
        ("base64", {"encoding_func": "urlsafe_b64encode"}),
        ("binary", {"bits_per_char": 32}),
        ("zalgo", {"seed": 4, "intensity": 2}),
    )
}
"""Other parameters of some."""
DRAWN = {
    "ansi-attack", "ascii-art", "ask-to-decode", "char-noise", "char-swap", "colloquial-wordswap", "digit-bijection", "emoji",
    "insert-punctuation", "letter-bijection", "math-obfuscation", "policy-puppetry", "puzzled", "random-capital-letters",
    "template-segment", "unicode-confusable", "zalgo",
}  # fmt: skip
"""PyRIT's converters that may draw random numbers: equal in two runs of one seed, and only there."""


def put(server: Running, attacks: dict[str, dict[str, Any]], seed: int) -> dict[tuple[str, int], tuple[str, str]]:
    """Attack and number of the prompt → what the target was sent, and why it was not asked."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "tocsin.toml").write_text(f'[models.t]\nmodel = "openai/t"\nbase_url = "{server.url}"\n')
        (home / "cases.jsonl").write_text(
            "".join(json.dumps({"id": str(n), "prompt": p}) + "\n" for n, p in enumerate(PROMPTS))
        )
        adversarial = {"attacks": list(attacks), "judge": "refusal"}
        suite = {"name": "adapters", "seed": seed, "attacks": attacks, "adversarial": adversarial}
        (home / "suite.yaml").write_text(json.dumps(suite))
        run = assess(
            "t", suite=str(home / "suite.yaml"), cases=home / "cases.jsonl", evaluations=["adversarial"], judge="refusal",
            out=home / "runs", config=home / "tocsin.toml", report=False,
        )  # fmt: skip
        db = open_journal(run.folder)
        try:
            rows = db.execute(
                "SELECT c.attack, s.case_id, a.request, r.reason FROM cells c JOIN cases s ON s.id = c.case_ref JOIN latest r"
                " ON r.cell = c.id LEFT JOIN calls a ON a.id = r.call WHERE c.evaluation = 'adversarial'"
            ).fetchall()
        finally:
            db.close()
    sent = {}
    for attack, case, request, reason in rows:
        told = msgspec.json.decode(request, type=Request).messages[-1].text if request else ""
        sent[attack, int(case)] = (told, reason)
    return sent


def direct(said: dict[str, Any], prompt: str) -> str | None:
    """What PyRIT's converter makes of a prompt, called as its own documentation calls it; None where it raises."""
    converter = import_module("pyrit.converter")
    kebab = said["attack"].removeprefix("pyrit/").replace("-", "")
    cls = next(
        getattr(converter, name)
        for name in converter.__all__
        if name.lower() == f"{kebab}converter" or name.lower() == kebab
    )
    options = {name: value for name, value in said.items() if name != "attack"}
    if "bits_per_char" in options:
        options["bits_per_char"] = cls.BitsPerChar(options["bits_per_char"])
    try:
        made: str = asyncio.run(cls(**options).convert_async(prompt=prompt, input_type="text")).output_text
    except Exception:
        return None
    return made


def probed(name: str, prompt: str) -> list[str]:
    """What a probe of garak makes of a prompt, through garak's own loader."""
    from garak import _config, _plugins

    with redirect_stdout(StringIO()):
        if not _config.is_loaded:
            _config.load_base_config()
        import_module("garak.services.intentservice").load()
        probe = _plugins.load_plugin(f"probes.{name}")
    if not hasattr(probe, "encoding_name"):
        stub = import_module("garak.intents").TextStub()
        stub.content = prompt
        return list(probe._prompts_from_stub(stub))
    templates = import_module("garak.probes.encoding").TEMPLATES
    made = []
    for encode in probe.encoding_funcs:
        code = encode(prompt.encode() if probe.use_bytes else prompt)
        code = code.decode() if isinstance(code, bytes) else code
        made += [
            one.replace("{encoding_name}", probe.encoding_name).replace("{encoded_text}", code) for one in templates
        ]
    return made


def faults(family: str, attacks: dict[str, dict[str, Any]], server: Running) -> Iterator[str]:
    """Every difference, by attack and number of the prompt."""
    one, again, other = put(server, attacks, 1), put(server, attacks, 1), put(server, attacks, 2)
    drawn = equal = undelivered = 0
    varied = set()
    for (attack, number), (sent, reason) in sorted(one.items()):
        at = f"{attack} on prompt {number}"
        if again[attack, number] != (sent, reason):
            yield f"{at}: two runs of one seed differ"
        if other[attack, number][0] != sent:
            varied.add(attack)
        name = attacks[attack]["attack"].partition("/")[2]
        if family == "garak":
            if reason == "not_delivered":
                undelivered += 1
            elif name.endswith(("InjectLeet", "InjectZalgo")):
                drawn += 1
            elif sent not in probed(name, PROMPTS[number]):
                yield f"{at}: is none of what garak makes"
            else:
                equal += 1
            continue
        made = direct(attacks[attack], PROMPTS[number])
        if (made is None) != (reason == "not_delivered"):
            yield f"{at}: raises in one of both alone"
        elif made is None:
            undelivered += 1
        elif name in DRAWN and "seed" not in attacks[attack]:
            drawn += 1
        elif made != sent:
            yield f"{at}: the target was not sent what PyRIT makes"
        else:
            equal += 1
    print(
        f"{len(attacks)} attacks, {len(one)} cells: {equal} equal what {family} makes itself; {drawn} are drawn, and are the same"
    )
    print(f"in a second run of the seed; {undelivered} not delivered, as {family} cannot convert them.")
    print(f"Another seed changed: {', '.join(sorted(varied)) or 'none'}")


def exported(name: str) -> Iterator[dict[str, Any]]:
    """The prompts of a probe that brings its own, as rows for ``--cases``: the snippet of docs/reference/adapters.md."""
    from garak import _config, _plugins

    _config.load_base_config()
    probe = _plugins.load_plugin(f"probes.{name}")
    for number, prompt in enumerate(probe.prompts):
        turns = prompt.turns if hasattr(prompt, "turns") else None
        text = turns[-1].content.text if turns else getattr(prompt, "text", prompt)
        yield {"id": f"{name}-{number}", "prompt": text, "hazard": probe.goal}


def main() -> int:
    """Prints what was compared; exit code 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=("pyrit", "garak"))
    family = parser.parse_args().family
    os.environ.setdefault("OPENAI_API_KEY", "none")
    members = import_module(f"tocsin.attacks.adapters.{family}").members()
    attacks = {f"{family}/{name}": {"attack": f"{family}/{name}"} for name in members}
    attacks = {name: {**said, **NEEDED.get(name, {})} for name, said in attacks.items()}
    if family == "pyrit":
        attacks |= ALSO
    for name, said in attacks.items():
        make(name, said)
    with serve(text="I'm sorry, but I can't help with that.") as server:
        found = list(faults(family, attacks, server))
    if family == "garak":
        rows = list(exported("dan.Dan_11_0"))
        print(f"dan.Dan_11_0 exports {len(rows)} cases")
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
