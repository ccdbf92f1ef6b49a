"""What the API offers: built once, for the paths that are answered directly and for those of FastAPI."""

from dataclasses import dataclass
from functools import partial

from handler.api.classification import Classify
from handler.api.direct_paths import Answer
from handler.api.predictor import Predictor
from handler.api.routes.open_inference.inference import Inference
from handler.contract import ModelCard
from handler.settings import Settings


@dataclass(frozen=True)
class Service:
    """The predictor, and the protocols that `direct_paths` and FastAPI share."""

    predictor: Predictor
    card: ModelCard
    settings: Settings
    classify: Classify
    inference: Inference

    def answers(self) -> dict[str, Answer]:
        """What to answer directly, by path."""
        infer = self.inference.answer
        return {
            "/classify": self.classify.one,
            "/classify/batch": self.classify.batch,
            **{
                f"/v2/models/{name}/infer": partial(infer, model=model) for name, model in self.inference.models.items()
            },
        }
