"""Turn networks of pro-gan-pth, T2F's package, into a run folder, which demo.py and main.py sample.

--layout pro-gan-2: state_dicts of versions 2.0 to 2.1.1. --layout pro-gan-1: of versions to 1.3.3,
T2F's own; what they multiply inputs by is not in their files: each time one is loaded it is drawn
anew, off 1 / sqrt(fan_in) by a few per cent for colours and score, by less for all else. Here it is
1 / sqrt(fan_in).

Sizes are the files'. The words are those of the captions of DATA_DIR, but such a generator has
learned none: c is noise, whatever the description. --discriminator is kept beside it.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np

from misc.config.cli import add_config_flags, configured, refuse_existing_run
from misc.config.errors import UserError, run_program
from misc.config.quiet import import_tensorflow

LAYOUTS = {"pro-gan-1": "map", "pro-gan-2": "batch"}  # the statistic of their discriminators
# A module of 1.x keeps its weights in one of PyTorch's, and a second bias beside it.
_INNER = re.compile(r"(.+)\.(conv|deconv|linear)\.(weight|bias)")
_REMEDY = "expected the state_dict of a network of pro-gan-pth, of this --layout and this kind"


def main(argv: list[str] | None = None) -> None:
    """Run the program with these flags."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_flags(parser)
    parser.add_argument("--generator", required=True, metavar="FILE", help="GAN_GEN_*.pth")
    parser.add_argument("--discriminator", metavar="FILE", help="GAN_DIS_*.pth")
    parser.add_argument("--layout", required=True, choices=LAYOUTS, help="of which version")
    parser.add_argument("--out", required=True, metavar="DIR", help="the run folder to make")
    args = parser.parse_args(argv)
    refuse_existing_run(args.out)
    files = {"generator": Path(args.generator)}
    if args.discriminator:
        files["discriminator"] = Path(args.discriminator)
    arrays = {role: _read(path) for role, path in files.items()}
    facts = {}
    if args.layout == "pro-gan-1":
        if any(_INNER.fullmatch(name) for name in arrays["generator"]):
            facts["USE_EQL"] = True
        arrays = {role: of_version_2(files[role], arrays[role]) for role in files}
    facts |= _facts(arrays, files, args.layout)
    args.set = [f"{key}={json.dumps(value)}" for key, value in facts.items()] + args.set
    cfg = configured("faces", args)
    changed = [key for key, value in facts.items() if cfg[key] != value]
    if changed:
        key = changed[0]
        raise UserError(f"--set {key}={cfg[key]}, but the files have {facts[key]}: leave it out")
    if args.layout == "pro-gan-1" and cfg.USE_EQL and "USE_EQL" not in facts:
        raise UserError(
            f"{args.generator} is of --layout pro-gan-2, or was trained without equalised learning "
            "rate: then add --set USE_EQL=False"
        )
    import_tensorflow()
    from misc.config.devices import choose_devices

    choose_devices(cfg.GPU_ID)
    _write(Path(args.out), cfg, files, arrays)


def _read(path: Path) -> dict[str, np.ndarray]:
    from misc.data.torch_checkpoint import read_checkpoint

    # "module.": of networks that were spread over GPUs.
    return {name.removeprefix("module."): array for name, array in read_checkpoint(path).items()}


def of_version_2(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors of version 1 as those of version 2 that do the same.

    Version 1 scales by 1 / sqrt(fan_in), where its 4x4 transposed convolution takes 16 times the
    outputs for that; version 2 by sqrt(2 / fan_in). Two biases become their sum. Without equalised
    learning rate there is nothing to change.
    Raises: UserError if a bias has no other of its shape, or a weight too few axes.
    """
    found = {name: array for name, array in arrays.items() if not _INNER.fullmatch(name)}
    for name, array in arrays.items():
        inner = _INNER.fullmatch(name)
        if not inner:
            continue
        module, kind, role = inner.groups()
        if role == "weight":
            if array.ndim != (2 if kind == "linear" else 4) or not array.size:
                raise UserError(f"{path}: {name} has shape {array.shape}; {_REMEDY}")
            fan = array.shape[0] / (16 * array.shape[1]) if kind == "deconv" else 1.0
            found[f"{module}.weight"] = array * np.float32(np.sqrt(fan / 2))
            continue
        other = arrays.get(f"{module}.bias")
        if other is None or other.shape != array.shape:
            raise UserError(f"{path}: {name} has no bias of its shape beside it; {_REMEDY}")
        found[f"{module}.bias"] = other + array
    return found


def _facts(arrays, files, layout: str) -> dict:
    """The configuration that the files ask for.

    Raises: UserError if one is of something else.
    """
    generator, judge = arrays["generator"], arrays.get("discriminator", {})
    depth = sum(bool(re.fullmatch(r"rgb_converters\.\d+\.weight", name)) for name in generator)
    seed = _tensor(generator, files["generator"], "initial_block.conv_1.weight", 4)
    facts = {
        "NETWORK_TYPE": "progressive",
        "DEPTH": depth,
        "LATENT_SIZE": seed.shape[0],
        "RGB": "linear",
        "MINIBATCH_STD": LAYOUTS[layout],
        # A step a stage: so the run has grown up.
        "EPOCHS": [1] * depth,
        "FADE_IN_PERCENTAGE": [0] * depth,
        "BATCH_SIZES": [4] * depth,
    }
    if "final_block.compressor.weight" in judge:
        name = "final_block.compressor.weight"
        sizes = _tensor(judge, files["discriminator"], name, 2).shape
        return facts | {
            "CONDITION": "concat",
            "COMPRESSED_LATENT_SIZE": sizes[0],
            "HIDDEN_SIZE": sizes[1],
        }
    return facts | ({"CONDITION": "none"} if judge else {})


def _tensor(arrays, path: Path, name: str, rank: int) -> np.ndarray:
    if name not in arrays or arrays[name].ndim != rank:
        raise UserError(f"{path}: {name} is missing or has not {rank} axes; {_REMEDY}")
    return arrays[name]


def generator_modules(generator) -> dict:
    """{name of a module in version 2: layer of a faces.model_progressive.Generator}."""
    start, *ups = generator.blocks
    modules = {"initial_block.conv_1": start.seed, "initial_block.conv_2": start.conv}
    for i, up in enumerate(ups):
        modules |= {f"layers.{i}.conv_1": up.first, f"layers.{i}.conv_2": up.second}
    return modules | {f"rgb_converters.{i}": layer for i, layer in enumerate(generator.to_rgb)}


def discriminator_modules(discriminator) -> dict:
    """The same of a faces.model_progressive.Discriminator."""
    end, *downs = discriminator.blocks
    inner = [end.conv, end.flat, end.logit]
    modules = {}
    if end.condition == "concat":
        inner.insert(1, end.mix)
        modules["final_block.compressor"] = end.compress
    modules |= {f"final_block.conv_{i}": layer for i, layer in enumerate(inner, 1)}
    for i, down in enumerate(downs):
        modules |= {f"layers.{i}.conv_1": down.first, f"layers.{i}.conv_2": down.second}
    return modules | {f"rgb_to_features.{i}": one for i, one in enumerate(discriminator.from_rgb)}


def entries(modules: dict) -> dict:
    """{name of a tensor in a state_dict: its place}, as `misc.training.published.Entry`s."""
    from faces.layers import Conv, Seed
    from misc.training.published import Entry

    # Which of PyTorch's axes is our first, second ...
    axes_of = {Conv: (2, 3, 1, 0), Seed: (0, 2, 3, 1)}
    found = {}
    for name, layer in modules.items():
        axes, shape = axes_of.get(type(layer), (1, 0)), tuple(layer.kernel.shape)
        theirs = tuple(shape[axes.index(i)] for i in range(len(shape)))
        found[f"{name}.weight"] = Entry(layer.kernel, theirs, theirs, axes)
        width = tuple(layer.bias.shape)
        found[f"{name}.bias"] = Entry(layer.bias, width, width, (0,))
    return found


def _write(out: Path, cfg, files, arrays) -> None:
    """Build the networks, fill them, and write the run folder; prints one JSON line."""
    from faces.data import training_vocabulary, with_vocabulary
    from faces.growth import Growth
    from faces.sample import sampled
    from faces.trainer import build_networks
    from misc.data.atomic import disk_errors
    from misc.data.tensors import tensors_of
    from misc.training.import_run import fill, save_networks

    cfg = with_vocabulary(cfg)
    networks = build_networks(cfg, cfg.VOCAB_SIZE)
    modules = {"generator": generator_modules, "discriminator": discriminator_modules}
    for role, path in files.items():
        fill(tensors_of(path, arrays[role]), entries(modules[role](networks[role])), _REMEDY)
    _forget_text(networks["conditioning"])
    growth = Growth(cfg, [1] * cfg.DEPTH)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    growth.save(out)
    training_vocabulary(cfg).save(out)
    kept = {name: networks[role] for role, name in sampled(cfg).items()}
    kept |= {role: networks[role] for role in files if role == "discriminator"}
    save_networks(out, growth.timetable.total, cfg, "faces", kept)
    sizes = {role: networks[role].count_params() for role in files}
    print(json.dumps({"out": str(out), "step": growth.timetable.total, "networks": sizes}))


def _forget_text(conditioning) -> None:
    """Make c noise of deviation 1 for any text: what the generator began with when it learned."""
    kernel, bias = conditioning.project.kernel, conditioning.project.bias
    kernel.assign(np.zeros(kernel.shape))
    deviation = 0.0 if conditioning.form == "logvar" else 1.0
    bias.assign(np.repeat([0.0, deviation], bias.shape[0] // 2))


if __name__ == "__main__":
    sys.exit(run_program(main))
