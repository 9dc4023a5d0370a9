"""The faces' benchmark from its flags to its page: a run that draws what it reads, and one that
was not trained; with an oracle that reads colours.
"""

import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import faces, faces_sheet, faces_time
from benchmarks.faces_models import seconds
from faces.captions import Vocabulary
from faces.growth import Growth
from faces.sample import build_sampled
from initial.sample import Sampler, build_generator
from misc.config.errors import UserError
from misc.config.load import load_config
from misc.data.images import encode_png
from misc.data.picture import Picture
from misc.data.writer import write_embeddings, write_set
from misc.evaluation.features import Network
from misc.sources.source import card
from misc.training.gan_data import set_digest
from misc.training.import_run import save_networks
from misc.training.text import Text

HAIR = {"black": 20, "blond": 200, "brown": 90, "gray": 140}
NAMES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Eyeglasses", "Male")


def person(hair, glasses, man, side=24):
    """A picture: hair above, below it a band of glasses, then a band of white for men."""
    picture = np.full((side, side, 3), 110, np.uint8)
    picture[: side // 2] = list(HAIR.values())[hair]
    picture[side // 2 : 3 * side // 4] = 0 if glasses else 110
    picture[3 * side // 4 :] = 250 if man else 110
    return picture


def oracle(pictures):
    """Reads such pictures off."""
    rows = pictures.mean((2, 3))
    side = rows.shape[1]
    hair = np.abs(rows[:, side // 4, None] - [list(HAIR.values())]).argmin(axis=1)
    bands = [rows[:, 5 * side // 8] < 60, rows[:, 15 * side // 16] > 180]
    return {"attributes": np.stack([*(np.eye(4)[hair].T), *bands], axis=1).astype(np.float32)}


def people(count, seed):
    """Pictures with one caption each, which tells of glasses, but not that there are none."""
    for number, (hair, glasses, man) in enumerate(
        np.random.default_rng(seed).integers(0, (4, 2, 2), (count, 3))
    ):
        said = f"a {'man' if man else 'woman'} with {list(HAIR)[hair]} hair"
        yield Picture(
            encode_png(Image.fromarray(person(hair, glasses, man))),
            f"{number:03d}",
            f"person {number % 4}",
            (said + " and glasses" * int(glasses),),
            attributes=(*(int(k == hair) for k in range(4)), int(glasses), int(man)),
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A set of such people, a Stage-I of 16 px that draws its sentences, a run of faces of 32."""
    root = tmp_path_factory.mktemp("world")
    data, splits = root / "people", {"train": list(people(8, 1)), "test": list(people(40, 2))}
    facts = card("drawn by the test", "at random", "picture", "ours")
    known = {"name": "people", "imsizes": (16, 32), "attribute_names": NAMES, "workers": 1}
    write_set(data, splits, card=facts, **known)
    for split, those in splits.items():
        told = np.array([one.attributes for one in those], np.float32)
        write_embeddings(data / split, "text", [told])
    keras.utils.set_random_seed(0)
    common = [f"DATA_DIR={data}", "GPU_ID=-1", "DATASET_NAME=people"]
    small = ["Z_DIM=5", "GAN.GF_DIM=4", "GAN.DF_DIM=4", "GAN.EMBEDDING_DIM=6", "TEXT.DIMENSION=6"]
    small += ["TEST.LR_IMSIZE=16", "TEST.HR_IMSIZE=32", "TRAIN.BATCH_SIZE=4"]
    cfg = load_config("initial", None, common + small)
    save_networks(root / "stage1", 7, cfg, "initial", {"generator": build_generator(cfg)})
    Text("runs/encoder", "text", "", len(NAMES)).save(root / "stage1")
    small = ["DEPTH=4", "LATENT_SIZE=8", "CA_OUT_SIZE=5", "EMBEDDING_SIZE=4", "HIDDEN_SIZE=6"]
    small += ["NUM_LAYERS=1", "COMPRESSED_LATENT_SIZE=4", "CAPTIONS_LENGTH=8", "EPOCHS=[1]"]
    small += ["FADE_IN_PERCENTAGE=[0]", "BATCH_SIZES=[4]", "NETWORK_TYPE=multiscale"]
    vocabulary = Vocabulary.of(one.captions[0] for one in splits["train"])
    cfg = load_config("faces", None, [*common, *small, f"VOCAB_SIZE={len(vocabulary.words)}"])
    networks = build_sampled(cfg, len(vocabulary.words))
    saved = {f"average_{name}": network for name, network in networks.items()}
    save_networks(root / "faces", 9, cfg, "faces", saved)
    vocabulary.save(root / "faces")
    Growth(cfg, [20]).save(root / "faces")
    digest = json.dumps({"prepared set": set_digest(cfg)})
    (root / "faces" / "data.json").write_text(digest)
    return SimpleNamespace(root=root, data=data)


def draws_what_it_reads(self, embedding, seed, start, walk=None):
    """A picture of each embedding, which tells all; some brighter than others, by the noise."""
    random = np.random.default_rng([seed, start])
    bright = random.integers(-8, 8, len(embedding))
    drawn = [person(row[:4].argmax(), row[4], row[5], 16) for row in embedding]
    pairs = zip(drawn, bright, strict=True)
    return (np.stack([np.clip(one + by, 0, 255).astype(np.uint8) for one, by in pairs]),)


def means(pictures):
    found = pictures.reshape(len(pictures), 4, 2, 8, 3).mean(axis=(2, 3)).reshape(-1, 12)
    return [(part / 255).astype(np.float32) for part in (found, found[:, :4])]


@pytest.fixture
def run(world, run_main, monkeypatch):
    """`run(*flags, runs=..., data=..., attributes=NAMES)`: the benchmark on the world."""
    network = Network("small", "d" * 64, "clean", "", means, size=8, width=12, classes=4)
    monkeypatch.setattr("misc.evaluation.features.load", lambda name: network)
    monkeypatch.setattr(Sampler, "stages", draws_what_it_reads)
    both = (f"Stage-I={world.root / 'stage1'}", f"T2F={world.root / 'faces'}")

    def start(*flags, runs=both, data=world.data, attributes=NAMES):
        facts = {"attributes": list(attributes), "judge": "people", "network": "an oracle"}
        judge = type("Oracle", (), {"__call__": lambda self, pictures: oracle(pictures)})()
        vars(judge).update(facts, digest="ab" * 32, accuracy=0.5)
        monkeypatch.setattr("misc.evaluation.classifier.load", lambda folder: judge)
        fixed = ("--runs", *runs, "--classifier", "c", "--data", data, "--rounds", "0")
        return run_main(faces.main, *fixed, *flags)

    return start


def test_from_flags_to_a_page_a_sheet_and_all_the_numbers(run, tmp_path):
    page, sheet, numbers = (tmp_path / name for name in ("a.md", "sub/b.jpg", "c.json"))
    code, out, err = run("--out", page, "--sheet", sheet, "--json", numbers)
    assert (code, out) == (0, ""), err
    text, found = page.read_text(), json.loads(numbers.read_text())
    assert found["captions"] == [40, 40] and found["size"] == 32
    told = {name: (run["step"], run["stages"]) for name, run in found["runs"].items()}
    assert told == {"Stage-I": (7, [[7, 4]]), "T2F": (9, [[9, 4]])}
    assert "| 7 | 28 |" in text and "| 9 | 36 |" in text
    assert all(0 < run["parameters"]["judging"] for run in found["runs"].values())
    perfect, other = (found["words"][name] for name in ("Stage-I", "T2F"))
    glasses = perfect["eyeglasses"]
    assert glasses["chance"] == pytest.approx((glasses["asked"] - 1) / 39)
    for word in ("hair colour", "eyeglasses"):
        assert perfect[word]["value"] == perfect[word]["ceiling"] == 1
        assert other[word]["gain"]["value"] < 0.2 < 0.3 < perfect[word]["gain"]["value"]
        assert f"- {word}, Stage-I: **met**" in text and f"- {word}, T2F: **missed**" in text
    assert (glasses["contrast"]["affirmed"], glasses["contrast"]["absent"]) == (1, 0)
    assert perfect["hair colour"]["contrast"] is None and "beard" not in perfect
    metrics = found["metrics"]
    assert metrics["Stage-I"]["attributes"]["value"] == 1.0
    near = [metrics["Stage-I"]["kid"]["value"], found["kid_of_halves"]]
    assert max(map(abs, near)) < metrics["T2F"]["kid"]["value"] / 4
    assert {one["measure"]: one["best"] for one in found["ahead"]} == dict.fromkeys(
        ("kid", "attributes", "hair colour", "eyeglasses"), "Stage-I"
    )
    assert all(0 < one["others"][0]["interval"][0] for one in found["ahead"])
    assert "KID: Stage-I is ahead of T2F" in text and "the better one is **Stage-I**" in text
    assert "reads sentences by `runs/encoder`" in text and "](sub/b.jpg)" in text
    assert "nan" not in text.lower() and "None" not in text
    width = 7 * (faces_sheet.TILE + 2) - 2 + 2 * (faces_sheet.TILE // 8)
    with Image.open(sheet) as picture:
        assert picture.format == "JPEG" and picture.width == width
    assert sheet.stat().st_size <= faces_sheet.MOST_BYTES


def test_a_sheet_is_made_small_enough_or_refused(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sheet = Image.fromarray(noise)
    large = len(faces_sheet._jpeg(sheet))
    monkeypatch.setattr(faces_sheet, "MOST_BYTES", large // 2)
    assert len(faces_sheet._jpeg(sheet)) <= large // 2
    monkeypatch.setattr(faces_sheet, "MOST_BYTES", 100)
    with pytest.raises(UserError, match="64 x 64 px take more than 100 bytes; give fewer runs"):
        faces_sheet._jpeg(sheet)


def test_fewer_captions_of_one_run(run, world):
    code, out, err = run("--most", "20", runs=[f"Stage-I={world.root / 'stage1'}"])
    assert code == 0, err
    assert "each of 20 of the 40 pictures" in out and "brought to 16 px" in out
    assert "Which is better" not in out
    assert run("--most", "20", runs=[f"Stage-I={world.root / 'stage1'}"])[1] == out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--most", "2"], "--most, --seed, --rounds: expected at least 3"),
        (["--sheet", "a.png"], "--sheet a.png: expected a name ending in .jpg or .jpeg"),
        (["--runs", "runs/a"], "--runs runs/a: expected NAME=DIR"),
        (["--runs", "a=b", "a=c"], "expected NAME=DIR, each name once"),
        (["--runs", "a|b=c"], "--runs a|b=c: expected NAME=DIR"),
        (["--runs", "a=nowhere"], "nowhere is not a run folder"),
        (["--data", "nowhere"], "nowhere: no prepared set here"),
    ],
)
def test_mistakes(run, flags, said):
    code, out, err = run(*flags)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_an_oracle_of_another_set(run):
    code, _, err = run(attributes=NAMES[:2])
    assert code == 2 and "reads other attributes than" in err


def test_a_set_without_attributes_or_with_others(run, tiny_set, world, monkeypatch):
    code, _, err = run(data=tiny_set)
    assert code == 2 and "its attributes (is_red, is_round ...) are not those of faces" in err
    bare = SimpleNamespace(attributes=None)
    monkeypatch.setattr("misc.data.prepared.open_split", lambda *_: bare)
    code, _, err = run()
    assert code == 2 and err.startswith(f"error: --data {world.data}: the set has no attributes")


def test_a_run_on_another_set(run, world, tmp_path):
    cfg = world.root / "faces" / "config.yml"
    (tmp_path / "config.yml").write_bytes(cfg.read_bytes())
    (tmp_path / "data.json").write_text('{"prepared set": "another"}')
    code, _, err = run(runs=[f"T2F={tmp_path}"])
    assert code == 2 and f"{tmp_path} was trained on another set than --data" in err


def test_embeddings_by_another_encoder(run, world, tmp_path):
    copy = shutil.copytree(world.root / "stage1", tmp_path / "stage1")
    Text("runs/encoder", "text", "another", len(NAMES)).save(copy)
    code, _, err = run(runs=[f"Stage-I={copy}"])
    assert code == 2 and "are not by the encoder that training had" in err


def test_runs_are_timed_in_turns(world):
    """And as often as they have steps; a stage without any is not."""
    once = faces_time.seconds([(world.root / "stage1", [7]), (world.root / "faces", [9])], 1)
    assert min(once) > 0
    (often,) = faces_time.seconds([(world.root / "stage1", [0, 7_000_000])], 1)
    assert often > 1000 * once[0]


def test_the_time_of_a_training_is_that_of_its_sittings(tmp_path):
    assert seconds(tmp_path) is None
    folder = tmp_path / "tensorboard"
    folder.mkdir()
    sittings = [((100.0, 1), (130.0, 2), (160.0, 3)), ((5000.0, 4), (5012.0, 5))]
    for number, events in enumerate(sittings):
        path = folder / f"events.out.tfevents.{number}.v2"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for time, step in events:
                event = tf.compat.v1.Event(wall_time=time, step=step)
                writer.write(event.SerializeToString())
    assert seconds(tmp_path) == 72.0
    assert seconds(tmp_path, 2) == 30.0  # of a checkpoint that came before
    path.write_bytes(path.read_bytes()[:-3])  # as a kill leaves it
    assert seconds(tmp_path) == 60.0
