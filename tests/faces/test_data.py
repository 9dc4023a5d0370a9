"""The pictures and captions that faces see: which, of what size, and beside which wrong ones."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from faces.captions import Vocabulary
from faces.data import FaceBatches, FaceData, training_vocabulary, with_vocabulary
from misc.config.errors import UserError
from misc.data.images import centre_of, to_float
from misc.data.prepared import open_split


@pytest.fixture
def batches(small_config, tiny_set):
    """`batches(*overrides)` -> FaceBatches over the 12 pictures of the tiny set."""

    def make(*overrides):
        cfg = small_config(*overrides)
        return FaceBatches(cfg, open_split(tiny_set, "train"), training_vocabulary(cfg))

    return make


def take(source, count, start=0, context=None):
    return list(source.dataset(start, context).take(count).as_numpy_iterator())


def test_every_epoch_of_every_stage_shows_every_picture_once(batches):
    source = batches("BATCH_SIZES=[4, 2, 4]", "EPOCHS=[2, 1, 1]")
    assert source.steps_per_epoch == (3, 6, 3)
    epochs = [
        [source.plan(begin + k, stage).pictures for k in range(length)]
        for stage, begin, length in ((0, 0, 3), (0, 3, 3), (1, 6, 6), (2, 12, 3))
    ]
    orders = [np.concatenate(epoch).tolist() for epoch in epochs]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len(set(map(tuple, orders))) == 4


def test_each_stage_sees_the_middle_averaged_to_its_size(batches):
    source = batches("MIRROR=False")
    assert [source.source(stage) for stage in range(3)] == [(16, 19)] * 3
    for stage, step in enumerate((0, 3, 6)):
        (shown,) = take(source, 1, step)
        side = 4 << stage
        pngs = source.split.pictures(source.plan(step, stage).pictures, 19)
        whole = to_float(np.stack([centre_of(png, 16) for png in pngs]))
        parts = whole.reshape(4, side, 16 // side, side, 16 // side, 3)
        np.testing.assert_allclose(shown["real"], parts.mean((2, 4)), atol=1e-6)


def test_small_stages_are_made_of_the_small_pictures(batches):
    source = batches(
        "DEPTH=4", "EPOCHS=[1,1,1,1]", "BATCH_SIZES=[4,4,4,4]", "FADE_IN_PERCENTAGE=[0,0,0,0]"
    )
    assert [source.source(stage) for stage in range(4)] == [(16, 19)] * 3 + [(32, 38)]
    assert [take(source, 1, 3 * stage)[0]["real"].shape[1] for stage in range(4)] == [4, 8, 16, 32]


def test_jitter_and_mirror(batches):
    source = batches("JITTER=1", "MIRROR=True")
    plans = [source.plan(step, 0) for step in range(60)]
    offsets = np.concatenate([plan.offsets for plan in plans])
    assert {(-1, 0, 1)} == {tuple(np.unique(axis)) for axis in offsets.T}
    flips = np.stack([plan.flips for plan in plans])
    assert 0.4 < flips.mean() < 0.6 and any(len(set(row)) == 2 for row in flips.tolist())
    assert not any(batches("MIRROR=False").plan(step, 0).flips.any() for step in range(60))


def test_tokens_are_of_a_caption_of_the_picture_drawn_by_chance(batches):
    source, seen = batches(), set()
    words = source.vocabulary.words
    for step, batch in enumerate(take(source, 9)):
        plan = source.plan(step, 0)
        pairs = zip(batch["tokens"], plan.pictures, plan.captions, strict=True)
        for ids, picture, number in pairs:
            said = " ".join(words[i] for i in ids if i)
            assert said == source.split.record(int(picture))["captions"][number]
            seen.add(int(number))
    assert seen == {0, 1, 2} and batch["tokens"].shape == (4, 8)


def test_a_wrong_caption_is_of_another_picture_and_if_possible_of_another_class(batches):
    source = batches()
    drawn = set()
    for step in range(200):
        plan = source.plan(step, 0)
        labels = source.split.labels[plan.pictures]
        assert (plan.wrong != np.arange(4)).all()
        for label, wrong in zip(labels, plan.wrong, strict=True):
            assert labels[wrong] != label or (labels == label).all()
        drawn.add(tuple(plan.wrong))
    assert len(drawn) > 20
    alike = source._draw_wrong(np.random.default_rng(0), np.zeros(4, np.int32))
    assert (alike != np.arange(4)).all()


def test_batch_k_is_a_function_of_seed_and_k(batches):
    first, again = take(batches(), 2, 1)[1], take(batches(), 1, 2)[0]
    other = take(batches("SEED=1"), 1, 2)[0]
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    assert (first["real"] != other["real"]).any() and (first["tokens"] != other["tokens"]).any()


def test_replicas_get_consecutive_slices(batches):
    source = batches()
    context = SimpleNamespace(num_replicas_in_sync=2, num_input_pipelines=1, input_pipeline_id=0)
    (whole,), halves = take(source, 1), take(source, 2, 0, context)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, np.concatenate([half[name] for half in halves]))


def test_the_vocabulary_is_that_of_the_training_captions(small_config, tiny_set):
    split = open_split(tiny_set, "train")
    captions = [text for i in range(12) for text in split.record(i)["captions"]]
    cfg = small_config()
    assert training_vocabulary(cfg).words == Vocabulary.of(captions).words
    assert with_vocabulary(cfg).VOCAB_SIZE == len(Vocabulary.of(captions).words) != cfg.VOCAB_SIZE
    data = FaceData(cfg)
    assert data.facts == {"vocabulary": Vocabulary.of(captions).digest}


def test_a_grid_has_one_size_and_says_its_sentences(small_config):
    data, asked = FaceData(small_config("SEED=7")), []

    class Sampler:
        side = 4

        def embed(self, captions):
            return np.array([[data.shown.index(caption)] for caption in captions])

        def __call__(self, embedding, seed):
            asked.append((embedding[:, 0].tolist(), seed))
            return np.full((len(embedding), self.side, self.side, 3), 9, np.uint8)

    sampler, sizes = Sampler(), set()
    for sampler.side in (4, 8, 16):
        sizes.add(data.grid(sampler).size)
    assert len(sizes) == 1
    # Two sentences of each split, two faces each.
    assert asked == [([0, 0, 1, 1, 2, 2, 3, 3], 7)] * 3 and len(set(data.shown)) == 4


def changed(tiny_set, folder, change):
    """A copy of the tiny set with other captions: `change` of the lines of the training split."""
    copied = shutil.copytree(tiny_set, folder / "tiny")
    path = copied / "train" / "captions.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    text = "".join(json.dumps(change(line)) + "\n" for line in lines)
    # Every line as long as before, so that the index still fits.
    path.write_text(text)
    return copied


def test_a_test_caption_may_be_all_new(small_config, make_set):
    data = FaceData(small_config(f"DATA_DIR={make_set(captions=1)}"))
    read = [data.vocabulary.read(caption, 8) for caption in data.shown]
    assert len(read) == 4 and all(known for known, _ in read)
    assert any(unknown for _, unknown in read), "yellow is no training word"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("DATA_DIR=nowhere",), "nowhere: no prepared set here"),
        (("BATCH_SIZES=[4, 16, 4]",), "12 pictures are less than one batch of 16; lower BATCH_S"),
        (("JITTER=2",), "JITTER 2 is more than the 1 px about the middle 16 of pictures"),
        (
            ("DEPTH=2", "EPOCHS=[1,1]", "BATCH_SIZES=[4,4]", "FADE_IN_PERCENTAGE=[0,0]"),
            r"prepared for pictures of \[16, 32\] px, not 8; set DEPTH",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(overrides, said, small_config):
    with pytest.raises(UserError, match=said):
        FaceData(small_config(*overrides))


def test_a_caption_without_a_word_is_named(small_config, tiny_set, tmp_path):
    def emptied(line):
        line["captions"][1] = " " * len(line["captions"][1])
        return line

    folder = changed(tiny_set, tmp_path, emptied)
    with pytest.raises(UserError, match=r"picture .* has no captions, or an empty one"):
        FaceData(small_config(f"DATA_DIR={folder}"))


def test_captions_of_signs_alone_are_refused(small_config, tiny_set, tmp_path):
    def silenced(line):
        line["captions"] = ["." * len(caption) for caption in line["captions"]]
        return line

    folder = changed(tiny_set, tmp_path, silenced)
    with pytest.raises(UserError, match="train: no picture's first caption has a word among its"):
        FaceData(small_config(f"DATA_DIR={folder}"))


def test_the_vocabulary_of_another_run_is_refused(small_config, tmp_path):
    Vocabulary.of(["quite another face"]).save(tmp_path)
    with pytest.raises(UserError, match="vocabulary of another run"):
        FaceData(small_config()).save(tmp_path)
