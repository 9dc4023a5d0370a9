"""Turn a published Stage-II checkpoint, which holds its Stage-I, into a run folder.

GAN.NETWORK_TYPE default: StackGAN's TensorFlow 1 checkpoint, model_*.ckpt; GAN.NETWORK_TYPE
pytorch: StackGAN-Pytorch's netG_*.pth, and its netD_*.pth if there is one. main.py samples the
folder, which stands alone: TRAIN.PRETRAINED_MODEL is not read.
"""

import sys
from functools import partial
from pathlib import Path

from initial.import_weights import discriminator_modules
from initial.import_weights import parts as stage1_parts
from misc.config.cli import configure_import
from misc.config.devices import choose_devices
from misc.config.errors import run_program
from misc.config.quiet import import_tensorflow


def main(argv: list[str] | None = None) -> None:
    """Run the program with these flags."""
    args, cfg = configure_import("final", __doc__, argv)
    import_tensorflow()
    choose_devices(cfg.GPU_ID)
    from misc.config.load import save_config
    from misc.data.atomic import disk_errors, make_folder
    from misc.training.import_run import import_networks, write_run

    networks = import_networks(args, cfg, parts(cfg))
    stage1 = Path(args.out) / "stage1.yml"
    with disk_errors(stage1):
        make_folder(args.out)
        save_config(cfg, "initial", stage1)  # the ancestors' stages have one configuration
    write_run(args, cfg, "final", networks)


def parts(cfg) -> list:
    """What a Stage-II checkpoint may hold, as `import_run.Part`s."""
    from final.sample import build_generator
    from final.trainer import build_discriminator
    from misc.training.import_run import Part

    return [
        Part("generator", partial(build_generator, cfg), "hr_g_net", generator_modules),
        Part("discriminator", partial(build_discriminator, cfg), "hr_d_net", discriminator_modules),
        *stage1_parts(cfg, "stage1_", "STAGE1_G."),
    ]


def generator_modules(network) -> dict[str, list[str]]:
    """StackGAN-Pytorch's modules of its Stage-II generator, by kind, as they are applied."""
    from misc.networks.layers import UpConv
    from misc.training.published import by_kind

    kinds = by_kind(network)
    ups = [f"upsample{i}" for i in range(1, 1 + sum(isinstance(c, UpConv) for c in kinds["conv"]))]
    # Two convolutions in each residual block, and two that the encoder normalises, one that joins.
    blocks = [f"residual.{i}.block" for i in range((len(kinds["norm"]) - 3 - len(ups)) // 2)]
    convs = ["encoder.0", "encoder.2", "encoder.5", "hr_joint.0"]
    convs += [f"{block}.{i}" for block in blocks for i in (0, 3)]
    norms = ["encoder.3", "encoder.6", "hr_joint.1"]
    norms += [f"{block}.{i}" for block in blocks for i in (1, 4)]
    return {
        "dense": ["ca_net.fc"],
        "conv": [*convs, *(f"{up}.1" for up in ups), "img.0"],
        "norm": [*norms, *(f"{up}.2" for up in ups)],
    }


if __name__ == "__main__":
    sys.exit(run_program(main))
