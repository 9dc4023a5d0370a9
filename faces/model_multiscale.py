"""The networks of multi-scale gradients: all sizes are made, and judged, in one pass.

Paper: Karnewar and Wang, "MSG-GAN"; BMSG-GAN. They know no text: here the generator's latent vector
holds the condition, and the discriminator reads the text where the progressive one does.
"""

import keras
import tensorflow as tf

from faces import model_progressive
from faces.layers import Conv, kept, widths
from faces.model_progressive import Down, End


class Generator(model_progressive.Generator):
    """From a latent vector to a face in all sizes.

    Call argument: latent (n, latent_size).
    Returns: list of float32 (n, side, side, 3), about [-1, 1], side 4, 8, ..., 2 << depth.
    5,625,487 parameters at the defaults: just the progressive generator's.
    """

    def call(self, latent):
        x, pictures = latent, []
        for i, block in enumerate(self.blocks):
            x = block(x)
            pictures.append(self._painted(x, i))
        return pictures


class Discriminator(keras.Model):
    """Is a face, seen in all sizes at once, real, and is it the described one?

    Each size but the largest enters where the trunk has come down to it, behind a 1x1 convolution
    of its own, in front of the trunk's maps.

    Call arguments: pictures, the list of all sizes, 4x4 first, each (n, side, side, 3); text (n,
      text_size).
    Returns: logits float32 (n,), linear but in "readme".
    Args: as the progressive discriminator's; "readme" is that one's last block, with this trunk.
    Raises: ValueError as `widths`; if the latent vector is too small to be halved once more.
    4,726,017 parameters at the defaults, 4,594,561 without a text ("none").
    """

    def __init__(
        self,
        *,
        depth: int = 5,
        latent_size: int = 256,
        text_size: int = 256,
        compressed_size: int = 128,
        condition: str = "concat",
        minibatch_std: str = "group",
        equalised: bool = True,
        name: str = "discriminator",
    ):
        super().__init__(name=name, dtype="float32")
        self.depth = depth
        seen = widths(depth, latent_size)  # channels that a block is given
        if seen[-1] % 2:
            raise ValueError(
                f"a latent vector of {latent_size} is too small for depth {depth}: expected a "
                f"multiple of {1 << max(depth - 3, 1)}"
            )
        # The trunk brings half of them, the size's picture the other half; the first, all.
        own = [width // 2 for width in seen[:-1]] + [seen[-1]]
        end = End(
            text_size=text_size,
            compressed_size=compressed_size,
            condition=condition,
            statistic=minibatch_std,
            equalised=equalised,
        )
        downs = [Down(width, equalised=equalised) for width in own[:-1]]
        self.blocks = kept(self, "block", [end, *downs])
        colours = [Conv(width, 1, equalised=equalised) for width in own]
        self.from_rgb = kept(self, "colour", colours)
        for i, width in enumerate(seen):
            self.blocks[i].build((None, 4 << i, 4 << i, width))
            self.from_rgb[i].build((None, 4 << i, 4 << i, 3))
        self.built = True

    def call(self, pictures, text):
        return self.match(self.look(pictures), text)

    def look(self, pictures):
        """What is made of pictures before the text comes in: maps (n, 4, 4, latent_size)."""
        x = None
        for i in range(self.depth - 1, -1, -1):
            colours = self.from_rgb[i](pictures[i])
            x = colours if x is None else tf.concat([colours, x], -1)
            if i:
                x = self.blocks[i](x)
        return x

    def match(self, seen, text):
        """The logits of what `look` made of pictures, for a text each."""
        return self.blocks[0](seen, text)
