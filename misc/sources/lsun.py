"""LSUN's scenes: databases of encoded pictures, each by its hash."""

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path

from misc.config.errors import UserError
from misc.data.picture import Picture, Pictures
from misc.data.untrusted import Refused, refusals
from misc.sources.apart import apart
from misc.sources.archives import unpack_missing
from misc.sources.class_captions import class_captions
from misc.sources.source import Source, card

HOME = "http://dl.yf.io/lsun/scenes"
LICENCE = "pictures of their owners, found on the web, for research: https://www.yf.io/p/lsun"
PARTS = {"train": "train", "test": "val"}
# What each scene is called, and what it is one of: see `class_captions`.
SCENES = {
    "bedroom": ("bedroom", "room"),
    "bridge": ("bridge", "structure"),
    "church_outdoor": ("church", "building"),
    "classroom": ("classroom", "room"),
    "conference_room": ("conference room", "room"),
    "dining_room": ("dining room", "room"),
    "kitchen": ("kitchen", "room"),
    "living_room": ("living room", "room"),
    "restaurant": ("restaurant", "room"),
    "tower": ("tower", "building"),
}
KEY = re.compile(rb"[0-9A-Za-z_-]{1,200}")  # LSUN's are hashes
LARGEST = 2**26  # bytes of one picture; LSUN's have some 20,000
JPEG, WEBP = b"\xff\xd8", b"WEBP"  # how the one begins; bytes 8 to 11 of the other


def lsun(root: Path, scenes: tuple[str, ...], limit: int | None = None, seed: int = 0) -> Source:
    """Scenes of LSUN, as they are downloaded, each one class; captions by `class_captions`.

    root/SCENE_{train,val}_lmdb/data.mdb   or SCENE_{train,val}_lmdb.zip

    The official split: 300 pictures of each scene, `val`, are the test. Of the pictures only as
    many are in memory as are being prepared.

    Args:
      scenes: of `SCENES`, each once.
      limit: training pictures of each scene, at most; they lie in the order of their hashes, so the
        first ones are drawn as by chance.
      seed: of the captions.

    Raises: UserError for a database that is missing or is not LSUN's, and, as late as that place is
      reached, for one that is damaged.
    """
    if limit is not None and limit < 1:
        raise UserError(f"a limit of {limit} pictures; expected 1 or more")
    splits, left_out = {}, 0
    for split, part in PARTS.items():
        most = limit if split == "train" else None
        streams, skipped = zip(*(_scene(root, s, part, most, seed) for s in scenes), strict=True)
        make = partial(chain.from_iterable, streams)
        splits[split] = Pictures(make, sum(stream.count for stream in streams))
        left_out += sum(skipped)
    rule = "official: train and val" + (f", the first {limit} of each train" if limit else "")
    source = f"LSUN in {root}: {', '.join(scenes)}"
    name = scenes[0] if len(scenes) == 1 else ""
    return Source(splits, card(source, rule, "picture", LICENCE, left_out), name=name)


def _scene(root: Path, scene: str, part: str, limit: int | None, seed: int) -> tuple[Pictures, int]:
    """The pictures of one database, and how many of it are left out."""
    folder, (subject, kind) = root / f"{scene}_{part}_lmdb", SCENES[scene]
    unpack_missing(root, f"{folder.name}/data.mdb", f"{folder.name}.zip")
    if not (folder / "data.mdb").is_file():
        raise UserError(
            f"{folder}/data.mdb is missing; expected LSUN's {scene}, unpacked or as "
            f"{folder.name}.zip, from {HOME}/{folder.name}.zip"
        )
    with closing(apart(_entries, folder, where=folder / "data.mdb")) as found:
        count, (key, value) = next(found), next(found)
    if not (value.startswith(JPEG) or value[8:12] == WEBP):
        raise UserError(
            f"{folder}: the value of {key!r} is no picture, neither JPEG nor WebP; expected LSUN's "
            f"{scene}, from {HOME}/{folder.name}.zip"
        )

    used = min(limit or count, count)

    def make() -> Iterator[Picture]:
        with closing(apart(_entries, folder, where=folder / "data.mdb")) as found:
            for key, value in islice(found, 1, used + 1):
                name = f"{scene}/{key}"
                yield Picture(value, name, subject, class_captions(subject, kind, name, seed))

    return Pictures(make, used), count - used


def _entries(folder: Path) -> Iterator:
    """How many entries there are; then each as (key, value), text and bytes, by the key."""
    import lmdb

    options = {"readonly": True, "create": False, "lock": False, "readahead": False}
    with (
        refusals(folder / "data.mdb", f"a database of LSUN's, from {HOME}"),
        lmdb.open(str(folder), **options) as database,
        database.begin(buffers=True) as view,
    ):
        count, last = view.stat()["entries"], b""
        if not count:
            raise Refused("it is empty")
        yield count
        for key, value in view.cursor():
            key = bytes(key)
            # Keys are sorted: no damage sends us in circles.
            if not KEY.fullmatch(key) or key <= last or len(value) > LARGEST:
                raise Refused(f"after {last.decode()!r} it holds no key and picture of LSUN's")
            yield key.decode(), bytes(value)
            count, last = count - 1, key
        if count:
            raise Refused(f"{count} of its entries are missing")
