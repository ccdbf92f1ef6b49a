"""What both networks say of pictures, before they vote: from the bytes of each file, by the code that ships."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handler.contract import ModelOutput
from handler.inference.classifier import CARD_PATH, MODEL_PATH, Classifier, read_card
from handler.inference.colour import COLOUR_MODEL_PATH, ColourClassifier
from handler.inference.cutout import CUTOUT_PATH, CutOut
from handler.inference.outputs import joined as joined_outputs
from handler.inference.pipeline import prepare
from handler.inference.vote import Vote, voted

MAX_PIXELS: Final = 50_000_000


@dataclass(frozen=True)
class Outputs:
    """Outputs for N pictures: of the 28x28 network, and of the colour network (N, 11)."""

    classifier: ModelOutput
    colour: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.colour)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Outputs":
        probabilities, known = self.classifier.probabilities[index], self.classifier.known[index]
        return Outputs(ModelOutput(probabilities, known), self.colour[index])

    def voted(self, vote: Vote) -> ModelOutput:
        """The output that the pictures get, with the constants of `vote`."""
        return voted(self.classifier, self.colour, vote)


class Networks:
    """The three networks in a folder, and its model card."""

    def __init__(self, model_dir: Path) -> None:
        self.card = read_card(model_dir / CARD_PATH.name)
        self.cut_out = CutOut(model_dir / CUTOUT_PATH.name)
        self._colour = ColourClassifier(model_dir / COLOUR_MODEL_PATH.name)
        self._classifier = Classifier(model_dir / MODEL_PATH.name, self.card.labels, cut_out=self.cut_out)

    def outputs(self, files: Iterable[bytes]) -> Outputs:
        """Outputs for encoded images, one after the other."""
        return joined([self._outputs(file) for file in files])

    def _outputs(self, file: bytes) -> Outputs:
        prepared = prepare(self._classifier, file, MAX_PIXELS)
        if prepared.colour is None:
            raise ValueError("an image of 28x28 grey pixels has no vote")
        of_colour = self._colour.probabilities(prepared.colour[np.newaxis])
        return Outputs(self._classifier.predict_views([prepared.views]), of_colour)


def joined(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of all parts, in order."""
    classifier = joined_outputs(part.classifier for part in parts)
    return Outputs(classifier, np.concatenate([part.colour for part in parts]))
