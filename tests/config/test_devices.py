"""Which devices a process sees."""

import pytest
import tensorflow as tf

from misc.config.devices import choose_devices, gpu_indices
from misc.config.errors import UserError


def test_gpu_indices():
    assert gpu_indices(-1) == [] and gpu_indices("-1") == []
    assert gpu_indices(0) == [0] and gpu_indices("0,1") == [0, 1]


@pytest.mark.parametrize("bad", ["a", "0,0", "-2", "0,-1", "", "1.5"])
def test_gpu_indices_that_make_no_sense(bad):
    with pytest.raises(UserError, match="GPU_ID is"):
        gpu_indices(bad)


def test_no_gpu_means_the_cpu_and_says_so(capsys):
    assert choose_devices(0) == []
    assert capsys.readouterr().err.count("no GPU in this machine") == 1
    assert choose_devices(-1) == []
    assert not capsys.readouterr().err


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu0", "gpu1"])
    with pytest.raises(UserError, match=r"no GPU 2; this machine has 2 \(0 to 1\)"):
        choose_devices("0,2")
