"""What the layout of an answer says before any word is read: what is struck out, boxes to tick, a question made up behind it.

See `tocsin.judges.choice_rules` for the whole of which this is a part; tables are in `tocsin.judges.choice_tables`.
"""

from __future__ import annotations

import re

_STRUCK = re.compile(r"~~[^~\n]{1,300}~~|<(s|del|strike)>[^<\n]{0,300}</\1>", re.IGNORECASE)
_STRUCK_SIGN = re.compile(r"(?:\w\u0336)+")

_EMPTY, _FULL = r"[☐⬜□◻○◯▢⚪]|[\[(][ \t]{0,2}[\])]", r"[☑✅☒◼■●◉⬤🔘🗹✔]\ufe0f?|[\[(][xX✓✔•*][\])]"
_BOX = re.compile(rf"(?P<full>{_FULL})|(?P<empty>{_EMPTY})")
_BEFORE_BOX = re.compile(r"(?:^|\n)[ \t>*+\-]{0,6}$")

_QUESTION = (
    "question|q|true or false|true/false|statement|claim|item|problem|task|exercise|instruction|human|user|frage|aussage|"
    "énoncé|affirmation|pregunta|pergunta|"
    "afirmación|afirmação|domanda|вопрос|утверждение|问题|題目|题目|質問|問題|질문|문제|السؤال|سؤال|प्रश्न|soru|câu hỏi|pertanyaan|"
    "pytanie|vraag|swali|fråga|คำถาม"
)
_NEXT = re.compile(
    rf"\n[ \t#>*_(\-]{{0,8}}(?:\d{{1,2}}[.)] ?)?"
    r"(?:(?:now try|the next|next|new|another|and|nächste|siguiente|próxima|下一个|次の)"
    rf"[ :]{{0,2}})?(?:{_QUESTION})(?:[ \t]?(?:#|no\.)?[ \t]?\d{{1,3}})?[ \t]?[*_]{{0,2}}\s?[:：.)]"
    r"|\n[ \t#>*_]{0,8}(?:question|statement|item|problem|frage|pregunta|pergunta|问题|題)[ \t]?#?\d{1,3}[*_ ]{0,3}(?=\n)"
    r"|\n[ \t#>*_]{0,8}now try[ :]|\n?<\|(?:user|im_start|start_header|end|eot)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\n[^\w\n]{0,8}(?:(?:the |correct |final |right ){0,2}answer|a|verdict|response|assistant|antwort|réponse|respuesta|"
    r"resposta|"
    r"risposta|ответ|"
    r"答案|答え?|回答|정답|답|الإجابة|الجواب|उत्तर|cevap|đáp án|jawaban|odpowiedź|antwoord|jibu|svar|คำตอบ)[*_]{0,2}\s?[:：]"
    r"|<\|(?:assistant|im_start)"
    r"|\n[^\w\n]{0,4}a[.):][^\n]{1,300}\n[^\w\n]{0,4}b[.):]",
    re.IGNORECASE,
)


def unstruck(text: str) -> str:
    """A text without what is struck out in it, by tildes, by tags or by a line through each letter."""
    if "~~" in text or "<" in text:
        text = _STRUCK.sub(" ", text)
    return _STRUCK_SIGN.sub(" ", text) if "\u0336" in text else text


def ticked(text: str) -> str:
    """A text in which a list of boxes has become "answer: _" for each box that is ticked, and nothing for the others.

    Only where each box stands before its option, and at least one of two or more is empty.
    """
    boxes = list(_BOX.finditer(text))
    if len(boxes) < 2 or all(box["full"] for box in boxes) or not _BEFORE_BOX.search(text[: boxes[0].start()][-8:]):
        return text
    parts = [text[: boxes[0].start()]]
    for box, end in zip(boxes, [*(box.start() for box in boxes[1:]), len(text)], strict=True):
        item, line, rest = text[box.end() : end].partition("\n")
        parts.append((f"\nanswer: {item}\n" if box["full"] else "") + line + rest)
    return "".join(parts)


def first_answer(text: str) -> str | None:
    """What stands before a question that the model makes up after its answer and goes on to answer; None where there is none."""
    for found in _NEXT.finditer(text):
        if text[: found.start()].strip():  # what follows a later one follows this one as well
            return text[: found.start()] if _GOES_ON.search(text, found.end() - 1) else None
    return None
