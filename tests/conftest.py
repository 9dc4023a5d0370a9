"""Shared fixtures: small prepared sets, and a guard that keeps tests on the CPU and offline."""

import importlib.util
import json
import os

# Before any test module imports TensorFlow; subprocesses inherit both.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from misc.config.errors import run_program
from misc.data.picture import Picture
from misc.data.prepared import open_split, read_card
from misc.data.writer import write_embeddings, write_set
from misc.sources.source import card

COLOURS = {
    "blue": (40, 60, 220),
    "green": (30, 170, 60),
    "red": (220, 40, 30),
    "white": (235, 235, 235),
    "yellow": (240, 210, 40),
}
SHAPES = ("square", "circle")
WIDTH = 8  # of the random embeddings
# Of a Stage-I that trains on two cores in seconds, whatever its cfg says.
SMALLEST = ("GPU_ID=-1", "Z_DIM=5", "TRAIN.MAX_EPOCH=2", "TRAIN.NUM_COPY=2", "TRAIN.LOG_INTERVAL=1")
SMALLEST += ("GAN.GF_DIM=4", "GAN.DF_DIM=4", "GAN.EMBEDDING_DIM=6", "TEST.LR_IMSIZE=16")
SMALLEST += ("TEST.HR_IMSIZE=32", f"TEXT.DIMENSION={WIDTH}", "TEXT.ENCODER=text")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Refuse every connection of this process that leaves the machine."""
    connect = socket.socket.connect

    def local_only(self, address):
        host = address[0] if isinstance(address, tuple) else "localhost"
        if host not in {"localhost", "127.0.0.1", "::1"}:
            raise RuntimeError(f"a test tried to reach {host}; tests run offline")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    """Nothing is left in the cache of whoever runs the tests; each begins with an empty one."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def draw_picture():
    """`draw_picture(path, colour, shape, size=(48, 40), seed=0)`: a coloured shape, as a PNG file.

    The shape lies on grey noise; its bounding box (x, y, width, height) is returned.
    """

    def draw(path, colour, shape, size=(48, 40), seed=0):
        random = np.random.default_rng(seed)
        noise = random.integers(90, 130, (size[1], size[0], 3), dtype=np.uint8)
        image = Image.fromarray(noise)
        side = int(random.integers(min(size) // 3, min(size) // 2))
        x, y = (int(random.integers(2, extent - side - 2)) for extent in size)
        pen = ImageDraw.Draw(image)
        paint = pen.rectangle if shape == "square" else pen.ellipse
        paint((x, y, x + side, y + side), fill=COLOURS[colour])
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        return (float(x), float(y), float(side), float(side))

    return draw


@pytest.fixture(scope="session")
def make_pictures(draw_picture):
    """`make_pictures(folder, classes, per_class=4, captions=3)` -> list of `Picture` on disk.

    `classes` are colour names of red, green, blue, yellow, white; each class holds `per_class`
    pictures, squares and circles in turn, with boxes, two attributes (is_red, is_round; the last
    one unknown) and `captions` sentences that name colour and shape.
    """

    def make(folder, classes, per_class=4, captions=3):
        openings = ("a {} {}", "this is a {} {}", "there is one {} {} here", "a picture of a {} {}")
        pictures = []
        for colour in classes:
            for number in range(per_class):
                shape, name = SHAPES[number % 2], f"{colour}/{colour}_{number:02d}"
                path = folder / f"{name}.png"
                box = draw_picture(path, colour, shape, seed=len(pictures))
                sentences = tuple(
                    openings[i % 4].format(colour, shape) + " and so on" * (i // 4)
                    for i in range(captions)
                )
                attributes = (int(colour == "red"), int(shape == "circle"))
                pictures.append(Picture(path, name, colour, sentences, box, attributes))
        pictures[-1] = Picture(*list(vars(pictures[-1]).values())[:-1], attributes=(-1, -1))
        return pictures

    return make


@pytest.fixture(scope="session")
def make_set(tmp_path_factory, make_pictures):
    """`make_set(imsizes=(16, 32), train=..., test=..., validation=(), per_class=4, captions=3,
    width=8)`.

    Returns the folder of the set, so that `open_split(make_set(), "train")` reads it.
    Writes a prepared set named `tiny` into a new folder: by default 12 training pictures of red,
    green and blue and 8 test pictures of yellow and white, three captions each, attributes
    ("is_red", "is_round"), and for the encoder named `text` random embeddings of `width`
    (`width=None`: none); `validation` names the colours of a third split.
    """

    def make(
        imsizes=(16, 32),
        train=("red", "green", "blue"),
        test=("yellow", "white"),
        validation=(),
        per_class=4,
        captions=3,
        width=WIDTH,
    ):
        root = tmp_path_factory.mktemp("set")
        splits = {
            "train": make_pictures(root / "raw", train, per_class, captions),
            "test": make_pictures(root / "raw", test, per_class, captions),
        }
        if validation:
            splits["validation"] = make_pictures(root / "raw", validation, per_class, captions)
        folder = root / "tiny"
        write_set(
            folder,
            splits,
            name="tiny",
            imsizes=imsizes,
            attribute_names=("is_red", "is_round"),
            card=card("drawn by the tests", "by colour", "class", "ours"),
            workers=1,
        )
        if width:
            embed_randomly(folder, width)
        return folder

    return make


def embed_randomly(folder, width=WIDTH):
    """Give every caption of the prepared set in `folder` an embedding, as of an encoder `text`."""
    random = np.random.default_rng(0)
    for split in read_card(folder)["splits"]:
        rows = open_split(folder, split).embedding_rows
        write_embeddings(folder / split, "text", [random.normal(size=(rows, width))])


@pytest.fixture(scope="session")
def tiny_set(make_set):
    """Folder of the default set of `make_set`, shared by all tests: read it, never write to it."""
    return make_set()


@pytest.fixture
def raw_cub(tmp_path, draw_picture):
    """A raw set in CUB-200-2011's layout: 4 classes of 3 pictures (ids 1 to 12) with boxes.

    Three captions each in text_c10, two attributes, an official split whose test pictures are the
    last of each class. Some lines of the attributes have a field too many, as in the original.
    """
    root = tmp_path / "birds"
    folder = root / "CUB_200_2011"
    (folder / "attributes").mkdir(parents=True)
    tables = {name: [] for name in ("images", "bounding_boxes", "train_test_split")}
    labels = []
    for number in range(1, 13):
        kind, member = divmod(number - 1, 3)
        colour = sorted(COLOURS)[kind]
        name = f"{kind + 1:03d}.{colour.title()}_Bird/{colour}_{member:04d}"
        box = draw_picture(folder / "images" / f"{name}.jpg", colour, "circle", seed=number)
        text = root / "text_c10" / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text("".join(f"a {colour} bird, number {number} {i}\n" for i in range(3)))
        tables["images"].append(f"{name}.jpg")
        tables["bounding_boxes"].append(" ".join(map(str, box)))
        tables["train_test_split"].append(int(member < 2))
        labels.append(f"{number} 1 {int(kind == 0)} 3 1.5")
        labels.append(f"{number} 2 {int(kind == 1)} {1 if number == 12 else 4} 0 2.25 0")
    for name, lines in tables.items():
        rows = "".join(f"{number} {line}\n" for number, line in enumerate(lines, 1))
        (folder / f"{name}.txt").write_text(rows)
    (folder / "attributes/image_attribute_labels.txt").write_text("\n".join(labels))
    (root / "attributes.txt").write_text("1 is_blue\n2 has_tail::green_(or_dark)\n")
    return root


@pytest.fixture(scope="session")
def gan_yml(tiny_set, tmp_path_factory):
    """`gan_yml(**keys)` -> a YAML file for a GAN room on `tiny_set` that trains in seconds.

    Keys are dotted names with "__" for the dot: `TRAIN__MAX_EPOCH=2`. An epoch is 3 steps.
    """

    def write(**keys):
        values = {
            "CONFIG_NAME": "run",
            "DATASET_NAME": "tiny",
            "DATA_DIR": str(tiny_set),
            "GPU_ID": -1,
            "Z_DIM": 5,
            "TRAIN__BATCH_SIZE": 4,
            "TRAIN__MAX_EPOCH": 2,
            "TRAIN__NUM_COPY": 2,
            "TRAIN__LOG_INTERVAL": 1,
            "GAN__NETWORK_TYPE": "simple",
            "GAN__GF_DIM": 8,
            "GAN__DF_DIM": 4,
            "GAN__EMBEDDING_DIM": 6,
            "GAN__R_NUM": 1,
            "TEST__LR_IMSIZE": 16,
            "TEST__HR_IMSIZE": 32,
            "TEXT__DIMENSION": WIDTH,
        } | keys
        tree = {}
        for name, value in values.items():
            *sections, last = name.split("__")
            node = tree
            for section in sections:
                node = node.setdefault(section, {})
            node[last] = value
        path = tmp_path_factory.mktemp("cfg") / "gan.yml"
        path.write_text(json.dumps(tree))  # JSON is YAML
        return path

    return write


@pytest.fixture(scope="session")
def plain():
    """tests/plain_stackgan.py: the ancestors in NumPy, and writers of their checkpoints."""
    path = Path(__file__).with_name("plain_stackgan.py")
    spec = importlib.util.spec_from_file_location("plain_stackgan", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def variables_of():
    """`variables_of(run)`: all of a run's newest checkpoint but the number of those before it."""
    import tensorflow as tf

    from misc.training.runs import newest_checkpoint

    def read(run):
        reader = tf.train.load_checkpoint(newest_checkpoint(run))
        names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
        return {n: reader.get_tensor(n) for n in names if not n.startswith("save_counter")}

    return read


@pytest.fixture(scope="session")
def on_two_devices():
    """`on_two_devices(room, *flags)`: what tests/two_devices.py prints."""

    def run(*words):
        program = [sys.executable, "tests/two_devices.py", *map(str, words)]
        root = Path(__file__).parents[1]
        process = subprocess.run(program, cwd=root, capture_output=True, text=True, timeout=600)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout.splitlines()[-1])

    return run


@pytest.fixture
def run_main(capsys):
    """`run_main(main, *flags)` -> (exit code, stdout, stderr) of a program, in this process."""

    def run(main, *flags):
        capsys.readouterr()
        code = run_program(lambda _: main([str(flag) for flag in flags]))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refused(run_main):
    """`refused(main, *flags)`: run a program, which must answer with one line -> that line."""

    def run(main, *flags):
        code, _, err = run_main(main, *flags)
        assert code == 2
        (line,) = err.splitlines()
        assert line.startswith("error: ")
        return line

    return run


@pytest.fixture
def stage_one(run_main, tmp_path):
    """`stage_one(main, cfg, *flags, keys=())`: prepare a set, and train Stage-I on it for an epoch
    or two.

    Args: main, flags: the script that prepares it, and what else than its --out to say to it.
      cfg: file in initial/cfg, of which all but the sizes is kept.   keys: "KEY=VALUE" beside.
    """

    def train(main, cfg, *flags, keys=()):
        from initial.run_exp import main as initial

        folder, run = tmp_path / "prepared", tmp_path / "run"
        small = ("--out", folder, "--imsizes", 16, 32, "--workers", 1)
        code, _, err = run_main(main, *flags, *small)
        assert code == 0, err
        embed_randomly(folder)
        pictures = len(open_split(folder, "train"))
        batch = max(2, pictures // 2)
        keys = (*SMALLEST, f"DATA_DIR={folder}", f"TRAIN.BATCH_SIZE={batch}", *keys)
        sets = [word for key in keys for word in ("--set", key)]
        path = Path(__file__).parents[1] / "initial" / "cfg" / f"{cfg}.yml"
        code, out, err = run_main(initial, "--cfg", path, "--run", run, *sets)
        assert code == 0, err
        steps = 2 * (pictures // batch)
        assert out.splitlines()[-1] == f"{run}: trained to step {steps}"
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == list(range(1, steps + 1))
        assert all(np.isfinite(value) for line in lines for value in line.values())
        assert list((run / "grids").iterdir())

    return train
