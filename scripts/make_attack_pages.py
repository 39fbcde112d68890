"""Makes the pages of the attacks in docs/attacks from their cards.

    python scripts/make_attack_pages.py

Pages of attacks that are no longer there are removed. A test holds the pages to the code.
"""

from __future__ import annotations

from pathlib import Path

from tocsin.attacks import make
from tocsin.attacks.page import page
from tocsin.attacks.selecting import own

PAGES = Path(__file__).resolve().parent.parent / "docs" / "attacks"
HEAD = """# Attacks

{count} published ways to put a harmful request, and `direct`, which puts it as it stands. Each is written anew from its paper, in
our own words: what came of it says how a model withstands *this* implementation, and no figure of a paper is an expectation. Each
page says where it differs and what was verified. [How an attack works here](../design/attacks.md). Methods that need a
target's weights or gradients (GCG, AutoDAN and the like) are out of scope: most targets are endpoints, and what was found on open
weights can be put with `--cases`. Written by `scripts/make_attack_pages.py`.

A suite, and `--attack`, take names, or say what is wanted: `kind:transform+needs:none`, `family:encoding`, `cost:one`,
`kind:dialogue`.

`cost` is *one* for a single query of the target without a helper, *few* for up to ten or with a helper, *many* beyond; calls to
attacker, translator and judges come on top. `needs:none` are those that need nothing but the target. Multi-turn attacks are
`kind:dialogue`. PyRIT's converters and garak's probes run as attacks, too: [adapters](../reference/adapters.md).

| attack | kind | family | queries at most | needs | |
|---|---|---|---|---|---|
"""


def pages() -> dict[str, str]:
    """File name → text of every page."""
    attacks = [make(name) for name in own()]
    rows = [
        f"| [{one.name}]({one.name}.md) | {one.kind} | {one.card.family} | {one.queries:,} | {', '.join(one.needed) or '–'} |"
        f" {one.about().title} |"
        for one in attacks
    ]
    index = HEAD.format(count=len(attacks)) + "\n".join(rows) + "\n"
    return {"README.md": index, **{f"{one.name}.md": page(one) for one in attacks}}


def main() -> None:
    """Writes all pages anew."""
    PAGES.mkdir(exist_ok=True)
    made = pages()
    for old in PAGES.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (PAGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
