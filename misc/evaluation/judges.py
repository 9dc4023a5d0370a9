"""Everything that can judge pictures, as `misc.evaluation.judging` asks it."""

from misc.evaluation.classifier import Classifier
from misc.evaluation.colour_correlation import central_colours
from misc.evaluation.features import Network
from misc.evaluation.judging import Judge


def by_network(network: Network) -> Judge:
    """Features float32 (n, d) and probabilities float32 (n, k) of a pretrained network."""
    facts = {
        "judge": network.judge,
        "network": network.name,
        "network_digest": network.digest,
        "resize": f"{network.resize} to {network.size} px",
    }
    note = {"note": network.note} if network.note else {}
    return Judge(lambda pictures: network(pictures)._asdict(), facts | note)


def by_classifier(classify: Classifier) -> Judge:
    """Probabilities of the set's classes, (n, k), and of its attributes, (n, a)."""
    return Judge(
        classify,
        {
            "judge": classify.judge,
            "network": classify.network,
            "network_digest": classify.digest,
            "resize": "bilinear, antialiased",
            "classifier_accuracy": classify.accuracy,
        },
    )


def by_colour() -> Judge:
    """Mean colours of the pictures' middles, float64 (n, 3)."""
    return Judge(lambda pictures: {"mean": central_colours(pictures)}, {"judge": "middle-half"})
