"""The keys of faces: the README's spelling, and what does not go together."""

import re

import pytest

from faces import layers
from faces.losses import LOSSES
from faces.model_progressive import CONDITIONS
from faces.sample import MODELS
from faces.text_encoder import CA_FORMS
from misc.config.defaults.faces import GROUP
from misc.config.errors import UserError
from misc.config.load import load_config

README = """
images_dir: "../data/LFW/lfw"
captions_length: 100
img_dims:
    - 64
    - 64
embedding_size: 128
hidden_size: 256
num_layers: 3
ca_out_size: 178
depth: 5
latent_size: 256
learning_rate: 0.001
beta_1: 0
beta_2: 0
eps: 0.00000001
drift: 0.001
n_critic: 1
epochs: [160, 80, 40, 20, 10]
fade_in_percentage: [85, 85, 85, 85, 85]
batch_sizes: [16, 16, 16, 16, 16]
num_workers: 3
feedback_factor: 7
checkpoint_factor: 2
use_matching_aware_discriminator: True
"""


def write(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    return path


def test_the_readme_is_understood_as_it_is_written(tmp_path, capsys):
    cfg = load_config("faces", write(tmp_path, README))
    assert "depth is read as DEPTH" in capsys.readouterr().err
    wanted = load_config("faces", None)
    wanted.update(DATA_DIR="../data/LFW/lfw", IMG_DIMS=[64, 64], BETA_2=0.0, NUM_WORKERS=3)
    assert cfg == wanted


def test_other_rooms_know_no_such_spelling(tmp_path):
    for room, key in (("initial", "images_dir"), ("editor", "depth"), ("encoder", "log_dir")):
        with pytest.raises(UserError, match=f"{key} is not a known key"):
            load_config(room, write(tmp_path, f"{key}: 5"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log_dir: x", "log_dir: .*leave it out and name that with --run"),
        ("sample_dir: x", "name that with --run"),
        ("save_dir: x", "name that with --run"),
        ("processed_text_file: x", "captions live in the prepared set"),
        ("use_pretrained_encoder: True", "there is no other: leave it out"),
        ("depth: 4\nDEPTH: 5", "depth and DEPTH are one key: name it once"),
        ("DEPTH: 4", "EPOCHS has 5 entries, expected 4, .*FADE_IN_.* 5 .*; BATCH_SIZES has 5"),
        ("NETWORK_TYPE: multiscale", "expected 1, one a stage: NETWORK_TYPE is multiscale"),
        ("IMG_DIMS: [128, 128]", r"IMG_DIMS is \[128, 128\], but DEPTH 5 ends at \[64, 64\]"),
        ("IMG_DIMS: [64]", r"ends at \[64, 64\]"),
        ("BATCH_SIZES: [16, 16, 16, 16, 14]", "14 is no multiple of 4, .*take 12"),
        ("BATCH_SIZES: [16, 16, 16, 16, 1]", "a list of whole numbers of at least 2"),
        ("BATCH_SIZES: [16, 16, 16, 16, 16.0]", "a list of whole numbers"),
        ("BATCH_SIZES: 16", "expected list"),
        ("EPOCHS: [0, 1, 1, 1, 1]", "at least 1"),
        ("EPOCHS: [True, 1, 1, 1, 1]", "a list of whole numbers"),
        ("FADE_IN_PERCENTAGE: [85, 85, 85, 85, 101]", "a list of numbers from 0 to 100"),
        ("FADE_IN_PERCENTAGE: [85, 85, 85, 85, .nan]", "a list of numbers from 0 to 100"),
        ("LATENT_SIZE: 200", "LATENT_SIZE is 200, expected a power of two of at least 2"),
        ("DEPTH: 9\nLATENT_SIZE: 16", "a power of two of at least 32"),
        ("CA_OUT_SIZE: 256", "CA_OUT_SIZE 256 must be less than LATENT_SIZE 256"),
        ("DEPTH: 10", "DEPTH is 10, expected a number from 2 to 9"),
        ("LOSS_FUNCTION: wgangp", "one of: wgan-gp, wgan, "),
        ("BETA_2: 1", "from 0 to below 1"),
        ("TRAIN: {BATCH_SIZE: 8}", "TRAIN.BATCH_SIZE is not a known key"),
    ],
)
def test_a_mistake_is_named(text, said, tmp_path):
    with pytest.raises(UserError, match=said):
        load_config("faces", write(tmp_path, text))


def test_what_goes_together_is_taken(tmp_path):
    for text in (
        "BATCH_SIZES: [3, 4, 8, 2, 16]\nFADE_IN_PERCENTAGE: [0, 100, 12.5, 85, 85]",
        "BATCH_SIZES: [16, 16, 16, 16, 14]\nMINIBATCH_STD: map",
        "NETWORK_TYPE: multiscale\nEPOCHS: [9]\nFADE_IN_PERCENTAGE: [0]\nBATCH_SIZES: [8]",
    ):
        load_config("faces", write(tmp_path, text))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("CA_FORM", CA_FORMS),
        ("CONDITION", CONDITIONS),
        ("LOSS_FUNCTION", LOSSES),
        ("MINIBATCH_STD", layers.BATCH_STATISTICS),
        ("NETWORK_TYPE", MODELS),
    ],
)
def test_a_key_offers_just_what_there_is(key, words):
    with pytest.raises(UserError) as error:
        load_config("faces", None, [f"{key}=other"])
    said = re.search(r"one of: ([^;\n]*)", str(error.value))[1]
    assert said.split(", ") == list(words)


def test_batches_are_checked_for_the_group_that_the_networks_compare():
    assert GROUP == layers.GROUP
