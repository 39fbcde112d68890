"""SI-Attack: words and patches change places, none is lost, and the search ends at a success."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from tests.attacks.played import TEA, play
from tests.attacks.reading import likeness, opened, png, read
from tocsin import types
from tocsin.attacks import make
from tocsin.attacks.visual.pictures import arranged, shapes, tiles
from tocsin.attacks.visual.wording import shuffled
from tocsin.drawing import lettering
from tocsin.types import Case

SMALL = {"iterations": 2}


def unshuffled(picture: Image.Image, whole: Image.Image, across: int) -> Image.Image:
    """The picture with each patch where it stands in the whole: by a search of the test's own."""
    made, left = picture.copy(), [picture.crop(box) for box in tiles(picture, across)]
    for box in tiles(whole, across):
        wanted = whole.crop(box).tobytes()
        place = next(place for place, patch in enumerate(left) if patch.tobytes() == wanted)
        made.paste(left.pop(place), box[:2])
    return made


def test_words_and_patches_put_back_give_text_and_image(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("si-attack", {"iterations": 3}), target="No.")
    whole = lettering(TEA.prompt, width=760, height=760, size=64)
    seen = set()
    for prompt, (data,) in zip(played.prompts, played.images, strict=True):
        assert sorted(prompt.split()) == sorted(TEA.prompt.split())
        assert prompt != TEA.prompt
        assert opened(data).tobytes() != whole.tobytes()
        back = unshuffled(opened(data), whole, 2)
        assert back.tobytes() == whole.tobytes()
        seen.add((prompt, data))
    assert len(seen) == 3, "each order is drawn anew"
    assert likeness("".join(read(back)), TEA.prompt) > 0.97
    assert play(tmp_path / "again", make("si-attack", {"iterations": 3}), target="No.").images == played.images
    other = Case(id="other", prompt=TEA.prompt)
    assert play(tmp_path / "other", make("si-attack", {"iterations": 3}), target="No.", cases=[other]).images != (
        played.images
    )


def test_a_case_s_own_image_is_what_is_shuffled(tmp_path: Path) -> None:
    own = shapes(random.Random(3), 301)
    case = Case(id="1", prompt="What is shown here?", images=(types.Image("image/png", png(own)),))
    attack = make("si-attack", {"iterations": 1, "patches": 3, "text": False})
    assert attack.pictured
    played = play(tmp_path / "r", attack, target="No.", cases=[case])
    assert played.prompts == [case.prompt]
    ((data,),) = played.images
    assert opened(data).tobytes() != own.tobytes()
    assert unshuffled(opened(data), own, 3).tobytes() == own.tobytes()


def test_the_search_ends_at_a_success_and_else_shows_the_best(tmp_path: Path) -> None:
    said = iter(["No.", "score=0.4 of it", "The samovar. score=0.9", "never asked"])
    played = play(tmp_path / "r", make("si-attack"), target=lambda messages: next(said))
    assert len(played.prompts) == 3
    assert played.record["outcome"] == "unsafe"
    said = iter(["score=0.1", "score=0.4", "score=0.2"])
    played = play(tmp_path / "s", make("si-attack", {"iterations": 3}), target=lambda messages: next(said))
    assert played.record["score"] == 0.4


def test_what_is_not_to_be_shuffled_stays(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("si-attack", {"iterations": 1, "image": False}), target="No.")
    assert opened(played.images[0][0]).tobytes() == lettering(TEA.prompt, width=760, height=760, size=64).tobytes()
    assert sorted(shuffled("如何泡一壶浓红茶", random.Random(1)).split()) == sorted(["如何泡", "一壶浓", "红茶"])
    assert shuffled("one", random.Random(1)) == "one"
    assert arranged(opened(played.images[0][0]), 2, [0, 1, 2, 3]).tobytes() == opened(played.images[0][0]).tobytes()
