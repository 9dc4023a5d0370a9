"""Every number has a protocol: a name that says how it was made, and without which none is told.

`fid/efficientnet-lite0/v1` is the metric, what judged the pictures, and the version of the rules
below; numbers compare only under one name. `RULES` is what a report prints beside it.
"""

from misc.evaluation.bootstrap import Estimate

VERSION = "v1"
RULES = {
    "is": "exp of the mean KL divergence of each picture's classes from their mean; mean over "
    "splits of a seeded random order",
    "fid": "Frechet distance of two Gaussians fitted to features, covariances over n - 1; "
    "`extrapolated` is the limit of a line in 1 / N through it and its mean without one picture",
    "kid": "unbiased squared MMD with kernel (x.y / d + 1)^3, mean over seeded subsets of "
    "min(1000, n) pictures",
    "pr": "share of fakes within the k nearest neighbours' radius (k = 3) of a real picture "
    "(precision), and of reals within one of a fake (recall); value is their harmonic mean",
    "diversity": "mean Euclidean distance of the features of two fakes of one caption, 8 of each "
    "of at most 64 captions; beside it that of fakes of two captions (`others`) and of two real "
    "pictures (`real`), of one class if a class has two (`real_pairs`)",
    "r_precision": "share of pictures whose own caption is nearest of 100, 99 of them of other "
    "classes (`candidates` where there are fewer), by a text encoder the GAN was not trained with",
    "attributes": "share of the attributes a caption names that the oracle reads from its picture; "
    "attributes it reads from real ones less than 0.8 of the time are left out",
    "colour": "Pearson correlation of the mean colour of the middle with that of the picture the "
    "caption was written about; 0 where all have one colour",
}


def protocol(metric: str, judge: str) -> str:
    """The name of `metric` as judged by a network, classifier or encoder called `judge`.

    Raises: ValueError for an unknown metric, or without a judge.
    """
    if metric not in RULES or not judge:
        raise ValueError(f"protocol: no rule for {metric!r} judged by {judge!r}")
    return f"{metric}/{judge}/{VERSION}"


def line(metric: str, judge: str, estimate: Estimate, **facts) -> dict:
    """What is told about one number: metric, value, interval (95 %), protocol, and `facts`."""
    low, high = estimate.interval
    return {
        "metric": metric,
        "value": estimate.value,
        "interval": [low, high],
        "protocol": protocol(metric, judge),
        **facts,
    }
