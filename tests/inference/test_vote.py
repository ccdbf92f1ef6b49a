"""The vote on photos: the formula, the card's constants, and which images it is taken on."""

import numpy as np
import pytest

from handler.contract import COLOUR_SIDE, ModelCard, ModelInput, ModelOutput
from handler.inference.classifier import MODEL_PATH, Classifier
from handler.inference.colour import ColourClassifier
from handler.inference.pipeline import explain
from handler.inference.vote import PhotoVote, Vote, voted
from tests.support.images import encoded, trousers
from tests.support.shipped import prepare

CLASSIFIER_ALONE = Vote(0, 1, 1, 0, 0)
COLOUR_ALONE = Vote(1, 1, 0, 1, 0)
BOTH = Vote(0.5, 1, 0.5, 0.5, 0)


def outputs(count: int) -> tuple[ModelOutput, np.ndarray]:
    generator = np.random.default_rng(0)
    of_classifier, colour = (generator.dirichlet(np.full(size, 0.3), count) for size in (10, 11))
    return ModelOutput(of_classifier.astype(np.float32), generator.random(count, np.float32)), colour.astype(np.float32)


def test_vote_with_all_weight_on_one_network_is_its_own_answer() -> None:
    output, colour = outputs(50)
    of_classifier, of_colour = voted(output, colour, CLASSIFIER_ALONE), voted(output, colour, COLOUR_ALONE)
    np.testing.assert_allclose(of_classifier.probabilities, output.probabilities, atol=0.01)
    np.testing.assert_allclose(of_classifier.known, output.known, atol=1e-3)
    np.testing.assert_array_equal(of_colour.probabilities.argmax(axis=1), colour[:, :10].argmax(axis=1))
    np.testing.assert_allclose(of_colour.known, 1 - colour[:, 10], atol=1e-3)


def test_vote_of_equal_weights_is_the_geometric_mean() -> None:
    output, colour = outputs(50)
    mean = np.sqrt((output.probabilities + 1e-3) * (colour[:, :10] / colour[:, :10].sum(axis=1, keepdims=True) + 1e-3))
    expected = mean / mean.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(voted(output, colour, BOTH).probabilities, expected, rtol=1e-4)


def test_higher_temperature_makes_scores_more_equal() -> None:
    output, colour = outputs(50)
    sharp, soft = (voted(output, colour, Vote(0.5, t, 1, 1, 0)).probabilities.max(axis=1) for t in (0.5, 2))
    assert (sharp > soft).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certain_networks_give_finite_numbers(value: float) -> None:
    output = ModelOutput(np.eye(10, dtype=np.float32)[:1], np.array([value], np.float32))
    colour = np.eye(11, dtype=np.float32)[[10 if value else 0]]
    found = voted(output, colour, Vote(0.5, 0.1, 50, 50, 300))
    assert np.isfinite(found.probabilities).all()
    assert 0 <= found.known[0] <= 1


def test_card_without_the_constants_is_an_error_that_names_them(card: ModelCard) -> None:
    assert Vote.of_card(card.document).temperature > 0
    with pytest.raises(ValueError, match=r"photos\.vote lacks colour_weight, temperature"):
        Vote.of_card({})
    with pytest.raises(ValueError, match="lacks known_bias"):
        Vote.of_card(
            {"photos": {"vote": {k: v for k, v in card.document["photos"]["vote"].items() if k != "known_bias"}}}
        )


def test_vote_is_taken_on_photos_and_not_on_images_of_the_dataset(classifier: Classifier, card: ModelCard) -> None:
    views_alone = Classifier(MODEL_PATH, card.labels, card.known_threshold)
    photo, small = prepare(encoded(trousers()), 10**6), prepare(encoded(trousers(28)), 10**6)
    assert (photo.colour is None, small.colour is None) == (False, True)
    with_vote = classifier.classify([photo, small], 10)
    without = views_alone.classify([photo, small], 10)
    assert with_vote[0].predictions != without[0].predictions
    assert with_vote[1].predictions == without[1].predictions
    assert with_vote == [*classifier.classify([photo], 10), *classifier.classify([small], 10)]


def test_explanation_is_of_the_class_that_the_vote_finds(card: ModelCard) -> None:
    """A photo on which the networks disagree: the colour network's input is noise."""
    voting = Classifier(MODEL_PATH, card.labels, photo_vote=PhotoVote(ColourClassifier(), COLOUR_ALONE))
    view = prepare(encoded(trousers()), 10**6).views[:1]
    noise = np.random.default_rng(0).integers(0, 256, (COLOUR_SIDE, COLOUR_SIDE, 3), np.uint8)
    (classification,) = voting.classify([ModelInput(view, noise)], 1)
    explained, heat = voting.explain(ModelInput(view, noise), 1)
    _, _, maps = voting.outputs(np.concatenate([view, view[..., ::-1]]))
    straight, mirrored = maps[:, classification.predictions[0].class_id]
    of_the_class = (straight + mirrored[:, ::-1]).clip(min=0)
    assert explained == classification
    assert classification.predictions != voting.classify([ModelInput(view, None)], 1)[0].predictions
    assert of_the_class.any()
    np.testing.assert_allclose(heat, of_the_class / of_the_class.max(), rtol=1e-5)


def test_confident_is_known_with_a_high_score(card: ModelCard) -> None:
    classifier = Classifier(MODEL_PATH, card.labels, known_threshold=0.5, confident_threshold=0.8)
    scores = np.full((4, 10), 0.02, np.float32)
    scores[:, 3] = [0.9, 0.9, 0.7, 0.7]
    found = classifier.classifications(ModelOutput(scores, np.array([0.9, 0.1, 0.9, 0.1], np.float32)), 1)
    assert [(each.known, each.confident) for each in found] == [
        (True, True),
        (False, False),
        (True, False),
        (False, False),
    ]


def test_foreground_of_an_explanation_is_the_garment_within_the_whole_image(classifier: Classifier) -> None:
    _, explanation = explain(classifier, prepare(encoded(trousers(300)), 10**6), 1)
    assert explanation.foreground is not None
    assert max(explanation.foreground.shape) == 64
    assert 0.1 < explanation.foreground.mean() < 0.9
    assert not explanation.foreground[[0, -1]].any()
