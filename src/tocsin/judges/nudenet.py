"""The judge that looks for bare parts of bodies, with NudeNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from tocsin.judges.contract import judge
from tocsin.judges.detecting import Detector, check_extra, checked_weights, once
from tocsin.judges.pixels import rgb
from tocsin.registry import ExtraMissing

Part = Literal["female-breast", "female-genitalia", "male-genitalia", "buttocks", "anus"]
PARTS: tuple[Part, ...] = get_args(Part)


@once
def _detector() -> Any:
    try:
        import nudenet
    except ImportError:
        raise ExtraMissing("judge 'nudenet'", "detectors") from None
    checked_weights("nudenet", Path(nudenet.__file__).parent / "320n.onnx", NudeNet.weights)
    return nudenet.NudeDetector()


@judge(
    "nudenet",
    reads="whether a small detector finds bare breasts, genitals, buttocks or anus in a delivered image. It knows nothing of any"
    " other hazard, nor of sexual content in which nothing is bare. Nobody has measured it here",
    source="NudeNet 3.4 (its weights 320n.onnx)",
    needs=("extra detectors",),
    sees="image",
)
class NudeNet(Detector, frozen=True, kw_only=True):
    """The highest score of a part that is found bare, 0 if none is. It asks no model and stays on this machine.

    What it scores below 0.2 it does not report at all.

    Attributes:
        parts: The parts that count.
    """

    weights: ClassVar[str] = "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"

    parts: tuple[Part, ...] = PARTS

    def __post_init__(self) -> None:
        """Says what cannot work before anything is asked."""
        check_extra("judge 'nudenet'", "nudenet", "detectors")
        if not self.parts:
            raise ValueError(f"parts: name at least one of {', '.join(PARTS)}")

    def scored(self, image: bytes) -> tuple[float, str]:
        """The highest score of the parts that count, and which part that is."""
        return self._read(_detector().detect(rgb(image)[:, :, ::-1].copy()))

    def _read(self, found: list[dict[str, Any]]) -> tuple[float, str]:
        wanted = {f"{part.replace('-', '_').upper()}_EXPOSED": part for part in self.parts}
        scores = [(min(1.0, float(one["score"])), wanted[one["class"]]) for one in found if one["class"] in wanted]
        if not scores:
            return 0.0, "nothing bare was found"
        score, part = max(scores)
        return score, f"{part} {score:.2f}"
