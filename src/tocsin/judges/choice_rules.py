"""Which option of a multiple-choice case an answer chose, by rules: no model, no network, microseconds.

Every mention of an option, by its label or by its text, is first replaced by one sign, so that "B", "(b)", "B) Ben" and
"Ben" read alike from there on. Rejected options ("not A", "A is wrong") and lists that only restate the options are
taken out. What is left is read clause by clause. An option is *declared* by a clause that holds nothing besides it but
words that choose ("so the right answer is _"), or by a phrase that chooses ("I would, for that reason, go with _")
where nothing before it turns the sense ("some would say", "if", "not"). The last declaration counts; an earlier one for
another option must have been taken back, and nothing after it may cast doubt on it.

The option that is found is then held against what the answer says of it (`tocsin.judges.choice_objections`): a verdict right
behind it that is not a good one, a sentence that excludes it, another time or place, a later sentence that takes it back. Before
all that, what is struck out, boxes, tables of verdicts or numbers and a made-up next question are seen to
(`tocsin.judges.choice_layout`, `tocsin.judges.choice_tables`).

A wrong extraction is far worse than none, so whatever is not understood counts as no choice. That is why the clauses
are held against words that are allowed, in many languages at once, and not against words that are forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.judges import choice_words as words
from tocsin.judges.choice_clauses import SEGMENT, Declared, bag, heads, kind_of, of_segment, option_of, told
from tocsin.judges.choice_layout import first_answer
from tocsin.judges.choice_mentions import Key, key, latin_label, plain, said, sign_mentions
from tocsin.judges.choice_objections import objected
from tocsin.judges.choice_objects import Objects, answers, objects
from tocsin.judges.choice_statements import claimed, of_statement
from tocsin.judges.choice_tables import table
from tocsin.types import Option

_QUESTION = re.compile(r"[^.!?\n;(…。]*\?")

# What joins the options of a list, and what may follow the last one.
_AND_OR = words.pattern(
    r"""
    \s?(?:/|&|\+|,?\s?(?:and|or|nor|vs|oder|und|ou|et|o|y|u|e|или|и|和|或|或者|与|还是|、|と|か|أو|و|या|और)\s?)
    (?:(?:the|an?|option) )?
    """
)
_NO_WORD = words.pattern(r"(?:[\s,;.|•\-–—)(\[\]/:]|\b(?:the|an?|option)\b)*")
_ALONE = words.pattern(rf"\s*(?:$|[,.;:!)\]\n/{words.SIGN.pattern[1:-1]}]|(?:and|or)\b)")


def find_choice(text: str, options: Sequence[Option]) -> str | None:
    """The label of the option that an answer chooses.

    Works for lettered options, and for label sets such as True and False, where label and text are the same. Of an
    answer longer than `HEAD` + `TAIL` characters (see `tocsin.judges.choice_mentions`) only both ends are read, so the
    time is bounded. Reasoning in ``<think>`` tags is skipped; where it never ends, there is no choice.

    Args:
        text: The answer, as it came. Any string, lone surrogates included.
        options: What there is to choose from.

    Returns:
        The label as it stands in `options`; None if no option is chosen, if more than one is, or if it is not clear.
    """
    known = key(tuple(options))
    if known is None:
        return None
    held = objects(said(text)) if "{" in text else Objects([], text)
    if held is None:
        return None
    labels = [option.label.lower() for option in options]
    values = [value for fields in held.found for value in answers(fields, labels)]
    if not values:
        return _found(text, options, known)
    values = [value for value in values if _concerns(value, known)]
    if not values:  # an object about something else: it must not hide what the prose says
        return _found(held.outside, options, known)
    chosen = {_found(_spoken(value), options, known) for value in values}
    beside = _found(held.outside, options, known)  # prose around an object may be undecided, but not for another
    return chosen.pop() if len(chosen) == 1 and beside in (None, *chosen) else None


def _concerns(value: object, known: Key) -> bool:
    """Whether a field's value speaks of the options, or says that there is no answer."""
    if not isinstance(value, str | int | float):
        return True
    said_of = plain(_spoken(value))
    signed = sign_mentions(said_of, known)
    return said_of.strip(words.ENDS).lower() in known.wholes or signed is None or words.SIGN.search(signed) is not None


def _spoken(value: object) -> str:
    """What a field of an object says, as a person would write it."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else ""


def _found(text: str, options: Sequence[Option], known: Key) -> str | None:
    """The label of the option that a text chooses, which is no JSON."""
    text = said(text)
    first = first_answer(text) if "\n" in text else None
    if first is not None:  # the model goes on with a question of its own
        signed = sign_mentions(plain(first), known)
        if signed is None or words.SIGN.search(signed):
            return _found(first, options, known)
    answer = plain(text)
    if known.folded and not answer.isascii():
        answer = latin_label(answer)
    whole = known.wholes.get(answer.strip(words.ENDS).lower()) if len(answer) <= known.longest else None
    if whole is not None:
        asks = "?" in answer and "?" not in options[whole].text
        return None if asks or whole < 0 else options[whole].label
    signed = sign_mentions(answer, known)
    if signed is None or not words.SIGN.search(signed):
        return None
    listed = table(signed, known.fulls)
    found = _read(signed if listed is None else listed.rest, known)
    if listed is not None and listed.chosen is not None:
        found = listed.chosen if found in (None, listed.chosen) else None
    return None if found is None else options[found].label


def _read(signed: str, known: Key) -> int | None:
    """The option that a signed text chooses."""
    text = signed
    against: list[tuple[int, int]] = []  # where which option is rejected
    again: list[tuple[int, int]] = []  # where which option is brought up as a question ("or is it A?")
    asked: set[int] = set()

    def ask(found: re.Match[str]) -> str:
        if words.AGAIN.search(found[0]):
            again.extend((found.start(), option_of(sign)) for sign in words.SIGN.findall(found[0]))
        head = words.HEAD.match(found[0])
        if head and words.LABEL_HEADS.match(found[0], head.end()):
            asked.add(option_of(head["x"]))
        return "?".rjust(len(found[0]))

    def reject(found: re.Match[str]) -> str:
        if not found["soft"]:
            against.extend(
                (found.start(), option_of(s)) for s in words.SIGN.findall(found[0]) if kind_of(s) != words.TEXT
            )
        return ("," if found["hit"] else " ").ljust(len(found[0]))

    text = words.THE_ONE_THAT_SAYS.sub(lambda m: "option".ljust(len(m[0])), text)
    if known.meaning:
        text = of_statement(text, known.meaning)
    if "?" in text:  # what is asked is not said
        text = _QUESTION.sub(ask, text)
    if words.hinted(text, words.REJECTED_HINTS):
        text = words.REJECTED.sub(reject, text)
    if words.hinted(text, words.REVISION_HINTS):
        text = words.REVISION_STARTS.sub(lambda m: "\n".ljust(len(m[0])), text)
    text = _without_lists(text, len(known.fulls))
    declared, takes_back, heading = _declarations(text, known)
    if len({d.option for d in declared if d.lone}) > 1 and not takes_back:
        declared = [d for d in declared if not d.lone]  # the headings of an analysis
    if heading and len({*asked, *(h.option for h in heading)}) == 1 and heading[0].lone:
        declared = sorted([heading[0], *declared])
    if not declared:
        declared = _left_over(signed, text, known)
    if not declared:
        declared = claimed(text) if known.meaning else told(text, known)
    if not declared:
        return None
    last = declared[-1]
    if last.option in known.everyday and _declines(text, last.at):
        return None
    if any(at > last.at and option != last.option for at, option in again) or objected(signed, last, known):
        return None
    return last.option if _stands(declared, takes_back, against) and not _doubted(last, takes_back, text) else None


def _left_over(signed: str, text: str, known: Key) -> list[Declared]:
    """The one option that is named last, at the very end, after all others ("D and C are late, B is dear, so _")."""
    found = words.LEFT_OVER.search(text)
    if found is None or len(known.fulls) < 3 or words.FAR_TURNS.search(text) or words.UNSURE.search(text):
        return []
    before = {option_of(sign) for sign in words.SIGN.findall(signed[: signed.rindex(found["x"])])}
    last = option_of(found["x"])
    all_others = before == set(range(len(known.fulls))) - {last}
    return [Declared(found.start("x"), last, False, False)] if all_others else []


def _declines(text: str, at: int) -> bool:
    """Whether an answer declines, and does not go on to choose in spite of that ("I am no lawyer, but it is _")."""
    declines = list(words.DECLINES.finditer(text))
    return bool(declines) and (declines[-1].start() > at or not words.SENSE_TURNS.search(text, declines[-1].end(), at))


def _without_lists(text: str, options: int) -> str:
    """Blanks the options that are only listed, or named in one breath ("A or B"): neither is a choice."""
    signs = list(words.SIGN.finditer(text))
    if len(signs) < 2:
        return text
    parts: list[str] = []
    done = first = lists = 0
    while first < len(signs):
        last = _listed(text, signs, first, any_order=True)
        if last - first + 1 < options:  # "B", and then the list that starts with A
            last = _listed(text, signs, first, any_order=False)
        if last > first:
            start, end = signs[first].start(), signs[last].end()
            whole = last - first + 1 == options
            lists += whole
            parts += [text[done:start], (words.LISTED if whole else words.SEVERAL).ljust(end - start)]
            done = end
        first = last + 1
    return "" if lists > 2 else "".join(parts) + text[done:]  # a model that goes on listing has not chosen


def _listed(text: str, signs: list[re.Match[str]], first: int, any_order: bool) -> int:
    """The last of the different options that stand in one list with the first, as an index of `signs`."""
    last, seen = first, {option_of(signs[first][0])}
    while last + 1 < len(signs) and option_of(signs[last + 1][0]) not in seen:
        this, following = signs[last], signs[last + 1]
        gap = text[this.end() : following.start()]
        ordered = any_order or "\n" not in gap or option_of(following[0]) > option_of(this[0])
        bare = _ALONE.match(text, following.end()) and _NO_WORD.fullmatch(gap)
        if not (_AND_OR.fullmatch(gap) or (bare and ordered)):
            break
        last += 1
        seen.add(option_of(following[0]))
    return last


def _declarations(text: str, known: Key) -> tuple[list[Declared], list[tuple[int, bool]], list[Declared]]:
    """What is declared, where something is taken back (and whether firmly), and which options head a segment."""
    declared: list[Declared] = []
    takes_back: list[tuple[int, bool]] = []
    heading: list[Declared] = []
    opening = True
    for segment in SEGMENT.finditer(text):
        clause, at = segment[0], segment.start()
        firmly = words.TAKEN_BACK.match(clause) is not None
        revises = firmly or words.RETHOUGHT.match(clause) is not None
        if revises:
            takes_back.append((at, firmly))
        signs = words.SIGN.findall(clause)
        if not signs:
            announces, weight = clause.rstrip().endswith(":"), bag(clause, False)
            opening = (opening and (announces or weight > 0)) or (announces and weight == 2)
            continue
        found = list(of_segment(clause, at, signs, known, revises))
        declared += found
        head = None if found else words.HEAD.match(clause)
        if head and heads(clause, head, known):
            heading.append(Declared(at, option_of(head["x"]), opening, False))
        opening = False
    return declared, takes_back, heading


def _stands(declared: list[Declared], takes_back: list[tuple[int, bool]], against: list[tuple[int, int]]) -> bool:
    """Whether the last declaration stands: earlier ones for another option were taken back, and it was not rejected."""
    last, since = declared[-1], 0
    for one in declared[:-1]:
        if one.option != last.option:
            since = max((at for at, _ in takes_back if one.at < at <= last.at), default=-1)
            if since < 0 and (one.final or not last.final):
                return False
    return not any(option == last.option and at >= since for at, option in against)


def _doubted(last: Declared, takes_back: list[tuple[int, bool]], text: str) -> bool:
    """Whether anything after the last declaration takes it back, or puts another option beside it."""
    rest = text[last.at + 1 :]
    others = any(option_of(sign) != last.option for sign in words.SIGN.findall(rest))
    if words.hinted(rest, words.NOT_THAT_HINTS) and words.NOT_THAT.search(rest):
        return True
    if others and any(option_of(m[m.lastgroup or 0]) != last.option for m in words.DOUBTED.finditer(rest)):
        return True
    closing = words.LAST_LABEL.search(text, max(0, len(text) - 200)) if others else None
    if closing and option_of(closing["x"]) != last.option:
        return True
    for at, firmly in takes_back:
        again = SEGMENT.match(text, at) if at > last.at else None
        if again and (
            firmly
            or words.SEVERAL in again[0]
            or any(option_of(s) != last.option for s in words.SIGN.findall(again[0]))
        ):
            return True
    return False
