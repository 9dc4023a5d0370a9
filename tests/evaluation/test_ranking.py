"""The overall order of models, by hand; `test_counter_models.py` has it on pictures."""

import pytest

from misc.config.errors import UserError
from misc.evaluation.ranking import ranking


def line(metric, value, low=None, high=None, judge="net", **facts):
    interval = [value - 0.01, value + 0.01] if low is None else [low, high]
    told = {"metric": metric, "value": value, "interval": interval}
    return told | {"protocol": f"{metric}/{judge}/v1", **facts}


def places(models):
    return {row["model"]: row["place"] for row in ranking(models)}


def test_less_of_a_distance_and_more_of_a_share_is_better():
    near, far = line("kid", 0.1), line("kid", 0.5)
    assert places({"far": [far], "near": [near]}) == {"near": 1, "far": 2}
    assert places({"a": [line("attributes", 0.6)], "b": [line("attributes", 0.8)]})["b"] == 1


def test_shares_by_hand():
    models = {
        "best": [line("kid", 0.1), line("pr", 0.9), line("attributes", 0.9)],
        "middle": [line("kid", 0.2), line("pr", 0.5), line("attributes", 0.7)],
        "last": [line("kid", 0.3), line("pr", 0.7), line("attributes", 0.5)],
    }
    best, *others = ranking(models)
    assert best == {
        "model": "best",
        "place": 1,
        "score": pytest.approx(2.5 / 3),
        "pictures": pytest.approx(2.5 / 3),
        "sentences": pytest.approx(2.5 / 3),
    }
    # Both win once and lose once on pictures; the middle one is ahead on sentences.
    assert [row["model"] for row in others] == ["middle", "last"]
    assert others[0]["pictures"] == others[1]["pictures"] == pytest.approx(1 / 3)


def test_a_difference_within_the_intervals_is_none():
    one, other = line("kid", 0.10, 0.08, 0.12), line("kid", 0.13, 0.11, 0.15)
    assert places({"a": [one], "b": [other]}) == {"a": 1, "b": 1}
    assert places({"b": [line("kid", 0.2)], "a": [one], "c": [one]}) == {"a": 1, "c": 1, "b": 3}


def test_one_side_does_not_save_the_other():
    # Four times first on pictures, last on sentences; the even one is second in all.
    pictures = {"is": (9, 5, 1), "kid": (1, 5, 9), "fid": (1, 5, 9), "pr": (9, 5, 1)}
    names, sentences = ("pretty", "even", "told"), (1, 5, 9)
    models = {
        name: [line(metric, values[k]) for metric, values in pictures.items()]
        + [line("r_precision", sentences[k])]
        for k, name in enumerate(names)
    }
    assert places(models) == {"even": 1, "pretty": 2, "told": 2}


def test_what_passes_real_pictures_is_worth_no_more():
    real = [line("kid", 0.0), line("attributes", 0.94, 0.92, 0.96, ceiling=0.94)]
    cheat = [line("kid", 0.9), line("attributes", 1.0, 1.0, 1.0, ceiling=0.94)]
    real, cheat = ranking({"cheat": cheat, "real": real})
    assert (real["model"], real["place"], cheat["place"]) == ("real", 1, 2)
    assert real["sentences"] == cheat["sentences"] == 0.5
    without = ranking({"cheat": [line("attributes", 1.0)], "real": [line("attributes", 0.94)]})
    assert without[0]["model"] == "cheat"


def test_only_what_all_have_by_one_protocol_is_compared():
    one = [line("kid", 0.1), line("attributes", 0.1), line("fid", 3)]
    other = [line("kid", 0.2), line("attributes", 0.9, judge="another"), line("is", 3)]
    first, second = ranking({"other": other, "one": one})
    assert first["model"] == "one" and first["sentences"] is None
    assert second["pictures"] == 0.25
    with pytest.raises(UserError, match="no metric of one protocol that all of a, b have"):
        ranking({"a": [line("kid", 1)], "b": [line("fid", 1)]})
    assert ranking({}) == []


def test_no_number_is_the_worst_number():
    assert places({"a": [line("colour", None, 0, 0)], "b": [line("colour", -0.9)]})["b"] == 1
    nan = float("nan")
    assert places({"a": [line("kid", nan, nan, nan)], "b": [line("kid", 9.0)]})["b"] == 1


def test_two_lines_of_one_metric_are_refused():
    with pytest.raises(ValueError, match="a has several lines of one metric"):
        ranking({"a": [line("kid", 1), line("kid", 2)]})
