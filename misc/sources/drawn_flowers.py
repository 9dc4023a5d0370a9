"""Drawn flowers, as `draw_dataset.py` writes them, as a TFDS builder: see `source_builder`."""

from pathlib import Path

from misc.sources.flowers import flowers
from misc.sources.source import Source
from misc.sources.source_builder import SourceBuilder


class DrawnFlowers(SourceBuilder):
    """Drawn flowers, or others in the layout of the Oxford 102 flowers: captions, classes."""

    def source(self, root: Path) -> Source:
        """See `flowers`; no class is in both splits."""
        return flowers(root)
