"""Pictures in and out: open, crop, resize, encode, [-1, 1] and back, contact sheets.

The only place that converts between uint8 [0, 255], as in files, and float32 [-1, 1], as in models.
"""

import io
import unicodedata
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from misc.config.errors import UserError

# A 1 kB file can claim to hold gigapixels; a decoded picture here takes at most 256 MB.
MAX_PIXELS = 64_000_000
# Not all that Pillow knows: for EPS, say, it would start another program.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
WHITE = (255, 255, 255)
INK = (40, 40, 40)
MAX_LINES = 8  # of a caption on a contact sheet


def to_float(images):
    """uint8 [0, 255] -> float32 [-1, 1], `x * 2 / 255 - 1`; a NumPy array or a tensor, as given."""
    if isinstance(images, np.ndarray):
        return images.astype(np.float32) / np.float32(127.5) - np.float32(1)
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
    """float [-1, 1] -> uint8 [0, 255], `(x + 1) * 127.5` rounded and clipped; array or tensor."""
    if isinstance(images, np.ndarray):
        levels = (images.astype(np.float32) + np.float32(1)) * np.float32(127.5)
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    import tensorflow as tf

    levels = (tf.cast(images, tf.float32) + 1.0) * 127.5
    return tf.cast(tf.clip_by_value(tf.round(levels), 0.0, 255.0), tf.uint8)


def open_picture(
    file: Path | str | bytes, background: tuple[int, int, int] = WHITE, name: str | None = None
) -> Image.Image:
    """Open a picture file, or the bytes of one, of one of the `FORMATS` as upright 8-bit RGB.

    Grey is repeated over the channels, 16-bit grey scaled to 8, the EXIF orientation applied, and
    of an animation the first frame taken. StackGAN drops an alpha channel; here transparent parts
    show `background`, which is the same for the JPEGs it was published with (they have no alpha)
    and right for pictures cut out on a transparent ground, whose hidden colours mean nothing.

    Raises: UserError naming the file (or `name`) if it is missing, empty, not a picture, truncated,
    or larger than `MAX_PIXELS`.
    """
    path = name or file
    if not isinstance(file, bytes) and not Path(file).is_file():
        raise UserError(f"{path}: no such picture")
    if not (len(file) if isinstance(file, bytes) else Path(file).stat().st_size):
        raise UserError(f"{path}: the file is empty, expected a picture; replace or remove it")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what it can mend; of large pictures only above a bound beyond ours.
            warnings.simplefilter("ignore")
            with Image.open(
                io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS
            ) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UserError(
                        f"{path}: {width} x {height} pixels, expected at most {MAX_PIXELS:,} in "
                        "all; shrink or remove it"
                    )
                return _to_rgb(_upright(image), background)
    except Image.DecompressionBombError as error:  # far above our bound, and Pillow's too
        raise UserError(
            f"{path}: more pixels than {MAX_PIXELS:,} in all; shrink or remove it"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's decoders tell a broken file by any of these.
        raise UserError(
            f"{path}: not a readable picture ({error}); replace it by a whole file of one of "
            f"{', '.join(FORMATS)}, or remove it"
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says, of which the rest may be damaged."""
    image.load()
    image.getexif()  # and is kept, so that only what Pillow would write anew is gone
    for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"):
        image.info.pop(key, None)
    return ImageOps.exif_transpose(image)


def _to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floats, of no known range")
    if image.mode.startswith("I"):  # 16 bits a pixel, which `convert` would clip at 255
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*background, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def box_crop(size: tuple[int, int], box: Sequence[float]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square about a bounding box [x, y, width, height] in pixels.

    StackGAN's rule: the box is cut to integers, the square reaches 0.75 of its longer side to each
    side of its centre, and what lies outside the picture is left off without padding, so that crops
    at the edge are not square (and get squashed by the resize).

    Args: size: width and height of the picture.
    Raises: UserError if nothing of the square lies inside the picture.
    """
    x, y, width, height = (int(value) for value in box)
    reach = int(0.75 * max(width, height))
    centre_x, centre_y = int((2 * x + width) / 2), int((2 * y + height) / 2)
    left, top = max(0, centre_x - reach), max(0, centre_y - reach)
    right, bottom = min(size[0], centre_x + reach), min(size[1], centre_y + reach)
    if left >= right or top >= bottom:
        raise UserError(
            f"the box {(x, y, width, height)} leaves nothing of the {size[0]} x {size[1]} "
            "picture; expected x, y, width, height in pixels inside it"
        )
    return left, top, right, bottom


def crop_to_box(image: Image.Image, box: Sequence[float]) -> Image.Image:
    """Crop to the square about a bounding box, see `box_crop`."""
    return image.crop(box_crop(image.size, box))


def stretch_contrast(image: Image.Image) -> Image.Image:
    """Stretch a picture's darkest to brightest value, over all channels together, to 0..255.

    What `scipy.misc.imresize` of SciPy 0.18 did unasked to the float crops of StackGAN's published
    preprocessing. A picture of one value becomes black, as there.
    """
    values = np.asarray(image, np.float64)
    span = values.max() - values.min() or 1.0
    return Image.fromarray(((values - values.min()) * (255 / span) + 0.5).astype(np.uint8))


def prepare(image: Image.Image, sizes: tuple[int, int], stretch: bool) -> tuple[bytes, bytes]:
    """Resize one RGB picture to the two stored sizes, squashed to squares: PNG bytes (low, high).

    Bicubic to the high size; the low one is made from the high one, as StackGAN does. `stretch`:
    `stretch_contrast` before the first resize only.
    """
    low, high = sizes
    if stretch:
        image = stretch_contrast(image)
    large = image.resize((high, high), Image.Resampling.BICUBIC)
    return encode_png(large.resize((low, low), Image.Resampling.BICUBIC)), encode_png(large)


def encode_png(image: Image.Image) -> bytes:
    """PNG bytes of the pixels alone: no colour profile or other data of the file they came from."""
    buffer = io.BytesIO()
    # On photographs as small as the default strategy and three times as fast.
    Image.fromarray(np.asarray(image)).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def contact_sheet(
    pictures: Sequence[np.ndarray],
    captions: Sequence[str] = (),
    columns: int = 4,
    tile: int = 128,
) -> Image.Image:
    """Lay pictures out on a white sheet, each caption wrapped under what it belongs to.

    Args:
      pictures: uint8 (n, side, side, 3), or a list of such pictures; sides may differ.
      captions: none; one a picture; or one for every k pictures that follow each other (the copies
        of one sentence), which then stand side by side above it.
      columns: captions (or, without captions, pictures) in a row.
      tile: side in pixels at which each picture is shown.

    Raises: ValueError if the pictures are not uint8, or not divisible among the captions.
    """
    captions = list(captions) or [""] * len(pictures)
    if not len(pictures) or len(pictures) % len(captions):
        raise ValueError(f"{len(pictures)} pictures cannot be shared by {len(captions)} captions")
    if any(np.asarray(picture).dtype != np.uint8 for picture in pictures):
        raise ValueError("a contact sheet takes uint8 pictures; see to_uint8")
    copies = len(pictures) // len(captions)
    gap, margin = max(2, tile // 64), max(8, tile // 8)
    width = copies * (tile + gap) - gap  # of what one caption stands under
    font = ImageFont.load_default(size=max(11, tile // 10))
    line = sum(font.getmetrics()) + 1
    texts = [_wrap(caption, font, width) for caption in captions]
    rows = [range(i, min(i + columns, len(captions))) for i in range(0, len(captions), columns)]
    heights = [tile + margin + line * max(len(texts[i]) for i in row) for row in rows]
    sheet = Image.new(
        "RGB", (len(rows[0]) * (width + margin) + margin, sum(heights) + margin), WHITE
    )
    draw = ImageDraw.Draw(sheet)
    top = margin
    for row, height in zip(rows, heights, strict=True):
        for column, i in enumerate(row):
            left = margin + column * (width + margin)
            for copy, picture in enumerate(pictures[i * copies : (i + 1) * copies]):
                shown = Image.fromarray(picture).resize((tile, tile), Image.Resampling.BICUBIC)
                sheet.paste(shown, (left + copy * (tile + gap), top))
            for number, text in enumerate(texts[i]):
                draw.text((left, top + tile + gap + number * line), text, fill=INK, font=font)
        top += height
    return sheet


def _wrap(caption: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a caption into at most `MAX_LINES` lines of `width` pixels, within words if need be."""
    # The font that comes with Pillow has no accented letters: write them without.
    letters = unicodedata.normalize("NFKD", caption)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    lines = [""]
    for word in plain.split():
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
        if len(lines) > MAX_LINES + 1:
            lines[MAX_LINES] = lines[MAX_LINES][:-1] + "\N{HORIZONTAL ELLIPSIS}"
            break
    return lines[1 : MAX_LINES + 1]


def centre(pixels: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture, or of each of several: (..., h, w, 3) -> (..., side, side, 3)."""
    top, left = ((size - side) // 2 for size in pixels.shape[-3:-1])
    return pixels[..., top : top + side, left : left + side, :]


def centre_of(png: bytes, side: int) -> np.ndarray:
    """The middle of a stored picture: uint8 (side, side, 3); training sees random crops instead."""
    return centre(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), side)
