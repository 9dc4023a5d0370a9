"""A whole evaluation with a made-up sampler, network and classifier: what it tells and leaves."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from easydict import EasyDict

from misc.config.errors import UserError
from misc.data.prepared import open_split
from misc.data.quarantine import Quarantined, write_quarantine
from misc.evaluation import evaluate, judges
from misc.evaluation.features import Network
from misc.evaluation.judging import Judge

METRICS = ["is", "fid", "kid", "pr", "diversity", "r_precision", "attributes", "colour"]
RUN = {"step": 7, "imsize": 16}


def stages(embedding, seed, start, way=None):
    """Plain pictures whose colour is the first numbers of the embedding, with a little noise."""
    colours = 128 + 60 * np.tanh(np.asarray(embedding)[:, None, None, :3])
    numbers = np.arange(start, start + len(embedding))
    noise = [np.random.default_rng([seed, k]).normal(0, 9, (16, 16, 3)) for k in numbers]
    return (np.clip(colours + noise, 0, 255).astype(np.uint8),)


def infer(pictures):
    means = pictures.reshape(len(pictures), 4, 2, 8, 3).mean(axis=(2, 3)) / 255
    classes = np.exp(means.sum(axis=2))
    parts = means.reshape(-1, 12), classes / classes.sum(axis=1, keepdims=True)
    return [part.astype(np.float32) for part in parts]


@pytest.fixture
def small_judges(monkeypatch):
    """Networks of few numbers; the classifier reads the same in all pictures, captions say it."""
    sizes = {"size": 8, "width": 12, "classes": 4}
    network = Network("small", "d" * 64, "clean", "", infer, **sizes)
    monkeypatch.setattr(evaluate.features, "load", lambda name, weights: network)
    reads = np.array([[0.9, 0.2]])
    classify = SimpleNamespace(attributes=["is_red", "is_round"])
    monkeypatch.setattr(evaluate.classifier, "load", lambda folder: classify)
    facts = {"judge": "classifier-1", "network_digest": "e" * 64}

    def ask(pictures):
        sure = np.eye(2)[(pictures.mean(axis=(1, 2, 3)) > 128).astype(int)]
        return {"species": sure, "attributes": reads.repeat(len(pictures), axis=0)}

    monkeypatch.setattr(judges, "by_classifier", lambda classify: Judge(ask, facts))
    says = np.array([[1, 0]], np.int8)
    monkeypatch.setattr(evaluate, "mentions_of", lambda some, names: says.repeat(len(some), 0))


@pytest.fixture
def evaluated(small_judges, tiny_set, tmp_path):
    """`evaluated(**keys)` -> lines of an evaluation; `batch` and keys of EVAL may be given."""
    encoder = Judge(lambda p: {"features": infer(p[:, ::2, ::2])[0]}, {"judge": "encoder-1"})

    def run(batch=3, **keys):
        settings = {"METRICS": METRICS, "COUNT": 0, "SPLITS": 2, "NETWORK": "n", "WEIGHTS": ""}
        settings |= {"CLASSIFIER": "c"} | keys
        one = evaluate.Evaluation(EasyDict(settings), encoder, lambda some: np.eye(12)[: len(some)])
        sampler = SimpleNamespace(stages=stages, **RUN)
        embeddings = open_split(tiny_set, "test").embeddings("text")
        return list(one.lines(tmp_path, sampler, tiny_set, embeddings, batch=batch, seed=2))

    return run


def test_every_metric_is_a_line_that_says_how_it_was_made(evaluated, tiny_set, tmp_path):
    lines = evaluated()
    assert [line["metric"] for line in lines] == METRICS
    kept = (tmp_path / "evaluation/metrics.jsonl").read_text().splitlines()
    assert kept == list(map(json.dumps, lines))
    for line in lines:
        low, high = line["interval"]
        assert low <= line["value"] <= high and line["protocol"].startswith(f"{line['metric']}/")
        assert line["n"] == line["n_real"] == 8  # a caption of each test picture
        facts = {"seed": 2, "step": 7, "run": tmp_path.as_posix(), "data": str(tiny_set)}
        facts["imsize"] = 16
        assert line.items() >= facts.items() and line["seconds"] >= 0
        assert len(line["captions_digest"]) == len(line["data_checksum"]) == 64
    found = {line["metric"]: line for line in lines}
    assert found["is"]["network_digest"] == "e" * 64  # the classifier, where there is one
    assert found["fid"]["network_digest"] == found["kid"]["network_digest"] == "d" * 64
    assert found["attributes"]["value"] == found["attributes"]["ceiling"] == 1
    assert found["r_precision"]["candidates"] == 5  # four pictures are of the other class
    # Noise is little beside what the sentences say, and the classes are of one colour each.
    varied = found["diversity"]
    assert (varied["captions"], varied["copies"], varied["real_pairs"]) == (8, 8, "of one class")
    assert 0 < varied["value"] < varied["others"] / 3 and varied["real"] > 0


def test_it_leaves_a_report_with_pictures(evaluated, tmp_path):
    lines = evaluated()
    page = (tmp_path / "evaluation/report.html").read_text()
    assert all(line["protocol"] in page for line in lines)
    samples = json.loads((tmp_path / "evaluation/samples.json").read_text())
    assert len(samples["rows"]) == 8 and samples["rows"][0]["neighbours"]
    assert not list((tmp_path / "evaluation").glob(".judged-*"))


def test_the_numbers_come_again_whatever_the_batch(evaluated):
    def values(lines):
        return [(line["value"], line["interval"]) for line in lines]

    first = values(evaluated())
    assert values(evaluated()) == first and values(evaluated(batch=8)) == first


def test_more_captions_than_pictures_give_several_of_each(evaluated):
    score, colour = evaluated(COUNT=20, METRICS=["is", "colour"])
    assert (score["n"], score["n_real"]) == (colour["n"], colour["n_real"]) == (20, 8)


def test_pictures_in_quarantine_take_no_part(small_judges, make_set, tmp_path, monkeypatch):
    data = make_set()
    name = open_split(data, "test").record(2)["name"]
    write_quarantine(data / "test", {2: Quarantined(name, "grey")})
    split, asked = open_split(data, "test"), []
    embeddings = split.embeddings("text")[split.rows_of_captions()]
    settings = {"METRICS": ["colour"], "COUNT": 0, "SPLITS": 2, "CLASSIFIER": ""}
    one = evaluate.Evaluation(EasyDict(settings))

    def watched(embedding, seed, start, way=None):
        asked.append(np.array(embedding))
        return stages(embedding, seed, start, way)

    sampler = SimpleNamespace(stages=watched, **RUN)
    (line,) = one.lines(tmp_path, sampler, data, embeddings, batch=8, seed=2)
    assert line["n"] == line["n_real"] == 7
    rows = evaluate.CaptionChoice(split, None, 0, 2).rows
    np.testing.assert_array_equal(asked[0], split.embeddings("text")[rows])


def test_only_what_is_needed_is_loaded(evaluated, monkeypatch, tmp_path):
    monkeypatch.setattr(evaluate.features, "load", lambda *_: pytest.fail("not needed"))
    evaluated(METRICS=["is"])
    samples = json.loads((tmp_path / "evaluation/samples.json").read_text())
    assert samples["neighbours"] is None


def test_pictures_that_nobody_asks_for_are_not_read(evaluated, monkeypatch):
    reals, asked = evaluate.CaptionChoice.reals, []

    def watched(choice, *sizes):
        for pictures in reals(choice, *sizes):
            asked.append(sizes[0])
            yield pictures

    monkeypatch.setattr(evaluate.CaptionChoice, "reals", watched)
    monkeypatch.setattr(evaluate, "write_samples", lambda *_, **__: None)
    evaluated(METRICS=["fid", "kid", "pr"])
    assert len(asked) <= 3  # by the network, or none if it knows them


def test_a_classifier_without_attributes_reads_none(evaluated, monkeypatch):
    monkeypatch.setattr(evaluate.classifier, "load", lambda folder: SimpleNamespace(attributes=[]))
    with pytest.raises(UserError, match="attributes: c was trained on a set without attributes"):
        evaluated(METRICS=["attributes"])


def test_too_few_pictures_leave_what_was_measured_before(evaluated, tmp_path):
    with pytest.raises(UserError, match="8 generated pictures are too few"):
        evaluated(METRICS=["kid", "is"], SPLITS=9)
    (line,) = (tmp_path / "evaluation/metrics.jsonl").read_text().splitlines()
    assert json.loads(line)["metric"] == "kid"
