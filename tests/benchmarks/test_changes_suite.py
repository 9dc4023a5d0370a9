"""The suite that undoes changes: all of them are undone, and the same is computed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A process of its own, for what is undone stays so.
PROGRAM = """
import collections, json
import keras, numpy as np, tensorflow as tf
from benchmarks.suites import changes
import faces.model_progressive, initial.model
from misc.networks import layers

layers._WEIGHTS = 0  # networks as narrow as these would have no products

def look():
    keras.utils.set_random_seed(0)
    gan = initial.model.Generator(gf_dim=8, imsize=32, network_type="pytorch", text_dim=8)
    judge = initial.model.Discriminator(df_dim=8, imsize=32, network_type="pytorch")
    block = faces.model_progressive.Start(8)
    @tf.function
    def run():
        picture = gan([ramp(2, 8), ramp(2, 128), ramp(2, 100)], training=True)["image"]
        return judge([picture, ramp(2, 128)], training=True)["conditional"], block(ramp(2, 8))
    graph = run.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    return [np.ravel(part) for part in run()], collections.Counter(node.op for node in nodes)

def ramp(rows, width):
    return tf.reshape(tf.range(rows * width, dtype=tf.float32), (rows, width)) / width

before, kinds = look()
changes._undo(changes._STACKGAN + changes._FACES)
after, others = look()
for one, other in zip(before, after):
    np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-4)
asked = ("Conv2D", "Conv2DBackpropInput", "FusedBatchNormV3", "IdentityN")
print(json.dumps([{name: kind[name] for name in asked} for kind in (kinds, others)]))
"""


def test_what_is_undone_computes_the_same_in_other_operations():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with_changes, without = json.loads(done.stdout.splitlines()[-1])
    assert with_changes["Conv2DBackpropInput"] == 2 and without["Conv2DBackpropInput"] == 0
    assert with_changes["FusedBatchNormV3"] >= 4 and without["FusedBatchNormV3"] == 0
    assert without["Conv2D"] >= with_changes["Conv2D"] + 3
    assert with_changes["IdentityN"] >= 3 and without["IdentityN"] == 0  # written gradients
