"""Drawn birds, as `draw_dataset.py` writes them, as a TFDS builder: see `source_builder`."""

from pathlib import Path

from misc.sources.cub import cub
from misc.sources.source import Source
from misc.sources.source_builder import SourceBuilder


class DrawnBirds(SourceBuilder):
    """Drawn birds, or others in the layout of CUB-200-2011: captions, boxes, attributes."""

    def source(self, root: Path) -> Source:
        """See `cub`; no class is in both splits."""
        return cub(root)
