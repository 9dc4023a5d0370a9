"""Drawn faces, as `draw_dataset.py` writes them, as a TFDS builder: see `source_builder`."""

from pathlib import Path

from misc.sources.celeba import celeba
from misc.sources.source import Source
from misc.sources.source_builder import SourceBuilder


class DrawnFaces(SourceBuilder):
    """Drawn faces: captions as Face2Text has them, the attributes of CelebA, people."""

    def source(self, root: Path) -> Source:
        """See `celeba`; no person is in both splits."""
        return celeba(root, root / "face2text.json", add_validation=True, whole=True)
