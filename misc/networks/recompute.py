"""Networks that keep little for the backward pass and compute the rest again there."""

import threading

import keras
import tensorflow as tf

_SMALLEST = 8  # px: what is smaller is one segment


class Recomputed:
    """A functional network of which only what passes between its segments is kept for a gradient.

    A segment is what lies between two changes of the picture's size. In the backward pass each is
    computed again when its turn comes, and one at a time: so the activations of one are held, not
    those of all. It costs about one more forward pass; batch norm's moving values follow the first
    one alone. Segments share the network's layers, so it has no variables of its own.

    Call arguments: inputs, a list of tensors as the network takes them; training.
    Returns: what the network does. It has a first derivative only.
    Paper: Chen et al., "Training Deep Nets with Sublinear Memory Cost".
    """

    def __init__(self, network: keras.Model):
        self._inputs, self._outputs = network.inputs, network.output
        self._segments = _segments(network)
        self._order = _Order()

    def __call__(self, inputs, training=None):
        values = {id(place): value for place, value in zip(self._inputs, inputs, strict=True)}
        for segment, given, made in self._segments:
            found = self._run(segment, [values[id(place)] for place in given], training)
            values |= {id(place): value for place, value in zip(made, found, strict=True)}
        return tf.nest.map_structure(lambda place: values[id(place)], self._outputs)

    def _run(self, segment, inputs, training):
        trained, moving = segment.trainable_variables, segment.non_trainable_variables
        weights = [variable.value for variable in trained]
        statistics = [variable.value for variable in moving]

        def compute(weights, inputs):
            made, moved = segment.stateless_call(weights, statistics, inputs, training=training)
            return tf.nest.flatten(made), moved

        @tf.custom_gradient
        def forward(*kept):
            outputs, updated = compute(kept[: len(weights)], list(kept[len(weights) :]))

            def backward(*upstream):
                upstream = upstream[: len(outputs)]
                again = self._order.wait(kept, upstream)
                with tf.GradientTape() as tape:
                    tape.watch(again)
                    repeated, _ = compute(again[: len(weights)], again[len(weights) :])
                gradients = tape.gradient(repeated, again, output_gradients=upstream)
                self._order.done(gradients)
                return gradients

            return [*outputs, *updated], backward

        found = forward(*weights, *self._order.wait(inputs))
        outputs, updated = found[: -len(moving) or None], found[len(found) - len(moving) :]
        self._order.done(outputs)
        if training:
            for variable, value in zip(moving, updated, strict=True):
                variable.assign(value)
        return outputs


class _Order(threading.local):
    """Segments one after another, where a graph would run several at once; a thread a replica."""

    last = ()

    def wait(self, tensors, others=()):
        """`tensors`, but only when `others` and what was last done are there."""
        if tf.executing_eagerly():
            return list(tensors)
        graph = tf.compat.v1.get_default_graph()
        last = [tensor for tensor in self.last if getattr(tensor, "graph", None) is graph]
        with tf.control_dependencies([*last, *others]):
            return [tf.identity(tensor) for tensor in tensors]

    def done(self, tensors):
        self.last = [tensor for tensor in tensors if tensor is not None]


def _segments(network):
    """A list of (model, places it takes, places it fills), which share the network's layers."""
    groups, side = [[]], None
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        shape = layer.output.shape if isinstance(layer.output, keras.KerasTensor) else ()
        if len(shape) == 4 and shape[1] not in (side, *range(_SMALLEST)):
            side = shape[1]
            groups.append([])
        groups[-1].append(layer)
    flat = [_places(group) for group in groups if group]
    wanted = [id(place) for place in tf.nest.flatten(network.output)]
    segments = []
    for number, (given, made) in enumerate(flat):
        later = {id(place) for taken, _ in flat[number + 1 :] for place in taken}
        own = {id(place) for place in made}
        given = [place for place in given if id(place) not in own]
        made = [place for place in made if id(place) in later or id(place) in wanted]
        segments.append((keras.Model(given, made), given, made))
    return segments


def _places(group):
    """What a group of layers takes, each once, and what it makes."""
    given = {id(p): p for layer in group for p in tf.nest.flatten(layer.input)}
    made = [place for layer in group for place in tf.nest.flatten(layer.output)]
    return list(given.values()), made
