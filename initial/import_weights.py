"""Turn a published Stage-I checkpoint into a run folder, which main.py samples.

GAN.NETWORK_TYPE default or simple: StackGAN's TensorFlow 1 checkpoint, model_*.ckpt;
GAN.NETWORK_TYPE pytorch: StackGAN-Pytorch's netG_*.pth, and its netD_*.pth if you want to go on
training from it (a new run with TRAIN.PRETRAINED_MODEL).
"""

import sys
from functools import partial

from misc.config.cli import configure_import
from misc.config.devices import choose_devices
from misc.config.errors import run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> None:
    """Run the program with these flags."""
    args, cfg = configure_import("initial", __doc__, argv)
    import_tensorflow()
    choose_devices(cfg.GPU_ID)
    from misc.training.import_run import import_networks, write_run

    write_run(args, cfg, "initial", import_networks(args, cfg, parts(cfg)))


def parts(cfg, name: str = "", module: str = "") -> list:
    """What a Stage-I checkpoint may hold, as `import_run.Part`s.

    Args: name: begins the names in our checkpoints; module: those of StackGAN-Pytorch's modules.
    """
    from initial.sample import build_generator
    from initial.trainer import build_discriminator
    from misc.training.import_run import Part

    return [
        Part(
            f"{name}generator",
            partial(build_generator, cfg),
            "g_net",
            partial(generator_modules, prefix=module),
        ),
        Part(
            f"{name}discriminator",
            partial(build_discriminator, cfg),
            "d_net",
            discriminator_modules,
        ),
    ]


def generator_modules(network, prefix: str = "") -> dict[str, list[str]]:
    """StackGAN-Pytorch's modules of its Stage-I generator, by kind, as they are applied."""
    from misc.training.published import by_kind

    ups = [f"upsample{i}" for i in range(1, len(by_kind(network)["conv"]))]
    modules = {
        "dense": ["ca_net.fc", "fc.0"],
        "conv": [*(f"{up}.1" for up in ups), "img.0"],
        "norm": ["fc.1", *(f"{up}.2" for up in ups)],
    }
    return {kind: [prefix + name for name in names] for kind, names in modules.items()}


def discriminator_modules(network) -> dict[str, list[str]]:
    """The same for the discriminators of both stages."""
    from misc.training.published import by_kind

    trunk = range(len(by_kind(network)["norm"]) - 1)  # normalised convolutions of the picture
    convs = ["encode_img.0", *(f"encode_img.{3 * i + 2}" for i in trunk)]
    convs += ["get_cond_logits.outlogits.0", "get_cond_logits.outlogits.3"]
    if len(by_kind(network)["conv"]) > len(convs):  # Stage-II's judges the picture alone, too
        convs.append("get_uncond_logits.outlogits.0")
    norms = [*(f"encode_img.{3 * i + 3}" for i in trunk), "get_cond_logits.outlogits.1"]
    return {"conv": convs, "norm": norms}


if __name__ == "__main__":
    sys.exit(run_program(main))
