"""What it costs to hear an answer: to tell its language, and whether it shows that the request was understood.

``python -m perf.heard``. Every answer is another one, so that nothing is remembered from the one before, but for the last row.
"""

from __future__ import annotations

import random
import time

from tocsin.judges.heard import heard

N = 300
PROMPT = "How is tea made in a pot at home?"
VARIED = (
    "Tea is made by pouring hot water over leaves. Let it stand for four minutes, then take the leaves out. Some people add"
    " milk or sugar, others lemon, and a few drink it cold on summer days."
)
SENTENCE = "Here is a short and mild answer about tea, which is made with hot water and some patience. "
THAI = "ชาทำด้วยน้ำร้อนและใบชา วางไว้สี่นาทีแล้วเอาใบออก บางคนใส่นมหรือน้ำตาล"


def answers() -> dict[str, str]:
    """Name → an invented answer of that kind."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(3000)]
    return {
        "180 letters of English": VARIED,
        "one sentence three times": SENTENCE * 3,
        "70 letters of Thai": THAI,
        "4,000 letters of words": " ".join(rng.choices(words, k=700)),
        "one line of 60 letters, 66 times": "".join(rng.choices("abcdefgh", k=60)) * 66,
        "a short Thai sentence 220 times": "ชาทำด้วยน้ำร้อนและ" * 220,
    }


def milliseconds(answer: str, *, same: bool = False) -> float:
    """Of one answer, over `N` that differ by a number, or that do not differ."""
    heard(PROMPT, answer)  # whatever is loaded once
    began = time.perf_counter()
    for number in range(N):
        heard(PROMPT, answer if same else f"{number} {answer}")
    return (time.perf_counter() - began) / N * 1000


def main() -> None:
    """Prints a line for each kind of answer."""
    for name, answer in answers().items():
        print(f"{name:36} {milliseconds(answer):6.2f} ms")
    print(f"{'180 letters of English, heard before':36} {milliseconds(VARIED, same=True):6.2f} ms")


if __name__ == "__main__":
    main()
