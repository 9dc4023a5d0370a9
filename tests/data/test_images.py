"""Pictures in (every kind, and what is none), StackGAN's crop and resize, ranges, sheets."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from misc.config.errors import UserError
from misc.data.images import (
    MAX_PIXELS,
    centre,
    centre_of,
    contact_sheet,
    crop_to_box,
    encode_png,
    open_picture,
    prepare,
    stretch_contrast,
    to_float,
    to_uint8,
)


def noise(width, height, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


# Ranges


def test_every_level_survives_the_way_to_float_and_back():
    levels = np.arange(256, dtype=np.uint8)
    floats = to_float(levels)
    assert floats.dtype == np.float32
    # x * 2 / 255 - 1, by hand: 0 -> -1, 51 -> -0.6, 255 -> 1
    np.testing.assert_allclose(floats[[0, 51, 255]], [-1, -0.6, 1], atol=1e-6)
    np.testing.assert_array_equal(to_uint8(floats), levels)


def test_to_uint8_rounds_and_clips():
    # (x + 1) * 127.5: -2 -> below 0, 0.003 -> 127.88, 0.9999 -> 254.99, 3 -> above 255
    values = np.array([-2.0, 0.003, 0.9999, 3.0])
    assert to_uint8(values).tolist() == [0, 128, 255, 255]


def test_tensors_convert_as_arrays_do():
    import tensorflow as tf

    levels = np.arange(256, dtype=np.uint8)
    values = np.linspace(-1.2, 1.2, 999, dtype=np.float32)
    floats = to_float(tf.constant(levels))
    assert isinstance(floats, tf.Tensor) and floats.dtype == tf.float32
    np.testing.assert_allclose(floats, to_float(levels), atol=1e-6)
    np.testing.assert_array_equal(to_uint8(tf.constant(values)), to_uint8(values))
    np.testing.assert_array_equal(to_uint8(floats), levels)


# Opening


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("1", "png"), ("P", "gif"), ("CMYK", "jpg"), ("RGB", "webp"), ("RGB", "bmp")],
)
def test_every_mode_opens_as_rgb(tmp_path, mode, suffix):
    path = tmp_path / f"picture.{suffix}"
    noise(20, 10).convert(mode).save(path)
    image = open_picture(path)
    assert (image.mode, image.size) == ("RGB", (20, 10))


def test_grey_is_repeated_and_16_bits_are_scaled(tmp_path):
    Image.fromarray(np.array([[7, 200]], np.uint8)).save(tmp_path / "8.png")
    assert np.asarray(open_picture(tmp_path / "8.png")).tolist() == [[[7] * 3, [200] * 3]]
    Image.fromarray(np.array([[0, 257 * 7, 65535]], np.uint16)).save(tmp_path / "16.png")
    assert np.asarray(open_picture(tmp_path / "16.png"))[0, :, 0].tolist() == [0, 7, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_show_the_background(tmp_path, mode):
    image = Image.new("RGBA", (4, 2), (0, 0, 0, 255))
    image.putpixel((0, 0), (90, 10, 10, 0))
    path = tmp_path / "cut_out.png"
    image.convert(mode).save(path)
    assert open_picture(path).getpixel((0, 0)) == (255, 255, 255)
    assert open_picture(path).getpixel((1, 0)) == (0, 0, 0)
    assert open_picture(path, background=(1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # shown turned by a quarter
    noise(20, 10).save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").size == (10, 20)


def test_of_a_damaged_exif_the_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[274], exif[296] = 6, 2  # the unit of its resolution, a short number
    path = tmp_path / "turned.jpg"
    noise(20, 10).save(path, exif=exif)
    content, short = path.read_bytes(), (296).to_bytes(2, "big") + b"\0\3"
    assert content.count(short) == 1
    path.write_bytes(content.replace(short, short[:3] + b"\2"))  # a text, says its entry
    assert open_picture(path).size == (10, 20)


def whole_jpeg():
    buffer = io.BytesIO()
    noise(60, 60).save(buffer, "JPEG")
    return buffer.getvalue()


def claimed_huge_png():
    png = bytearray(encode_png(noise(4, 4)))
    png[16:24] = (9000).to_bytes(4, "big") * 2  # 81 megapixels, said the header
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    return bytes(png)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"no picture at all", "not a readable picture"),
        (whole_jpeg()[:900], "not a readable picture.*truncated"),
        (encode_png(noise(60, 60))[:5000], "not a readable picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable picture"),
        (claimed_huge_png(), f"expected at most {MAX_PIXELS:,}"),
    ],
)
def test_what_is_no_whole_picture_is_named(tmp_path, content, complaint):
    path = tmp_path / "001.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"001\.jpg: .*{complaint}"):
        open_picture(path)


def test_a_picture_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="gone.jpg"):
        open_picture(tmp_path / "gone.jpg")
    with pytest.raises(UserError, match="no such picture"):
        open_picture(tmp_path)


# Cropping and resizing


@pytest.mark.parametrize(
    ("box", "corners"),
    [
        # centre (50, 40), reach int(0.75 * 20) = 15
        ((40.0, 30.0, 20.0, 20.0), (35, 25, 65, 55)),
        # cut to integers first: [40, 30, 21, 13]; centre int(101 / 2) = 50, int(73 / 2) = 36;
        # reach int(15.75) = 15
        ((40.9, 30.9, 21.9, 13.9), (35, 21, 65, 51)),
        # at the edge: clipped, so not square
        ((0.0, 0.0, 40.0, 40.0), (0, 0, 50, 50)),
        ((80.0, 10.0, 20.0, 60.0), (45, 0, 100, 80)),
    ],
)
def test_crop_follows_the_rule_of_stackgan(box, corners):
    image = noise(100, 80)
    np.testing.assert_array_equal(crop_to_box(image, box), image.crop(corners))


def test_a_box_outside_the_picture_is_refused():
    with pytest.raises(UserError, match=r"200.*100 x 80"):
        crop_to_box(noise(100, 80), (200, 10, 20, 20))
    with pytest.raises(UserError, match="box"):
        crop_to_box(noise(100, 80), (10, 10, 0, 0))


def test_the_low_size_is_made_from_the_high_one():
    image, box = noise(100, 80), (30, 20, 40, 30)
    low, high = (decode(png) for png in prepare(crop_to_box(image, box), (19, 76), stretch=False))
    crop = image.crop((20, 5, 80, 65))
    large = crop.resize((76, 76), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(high, large)
    np.testing.assert_array_equal(low, large.resize((19, 19), Image.Resampling.BICUBIC))
    assert (low != np.asarray(crop.resize((19, 19), Image.Resampling.BICUBIC))).any()


def test_without_a_box_the_whole_picture_is_squashed():
    image = noise(100, 60)
    _, high = prepare(image, (19, 76), stretch=False)
    np.testing.assert_array_equal(decode(high), image.resize((76, 76), Image.Resampling.BICUBIC))


def test_stretch_is_min_max_over_all_channels():
    # 50..150 -> 0..255, times 2.55: 75 -> 63.75 -> 64, 101 -> 130.05 -> 130
    image = Image.fromarray(np.array([[[50, 75, 101], [150, 150, 150]]], np.uint8))
    assert np.asarray(stretch_contrast(image)).tolist() == [[[0, 64, 130], [255, 255, 255]]]
    assert np.asarray(stretch_contrast(Image.new("RGB", (2, 2), (9, 9, 9)))).max() == 0


def test_stretch_is_before_the_first_resize():
    image = Image.new("RGB", (100, 80), (0, 0, 0))  # a black border the crop leaves out
    image.paste(Image.fromarray(np.asarray(noise(60, 60)) // 4 + 60), (20, 5))
    crop = crop_to_box(image, (30, 20, 40, 30))
    low, high = prepare(crop, (19, 76), stretch=True)
    crop = stretch_contrast(image.crop((20, 5, 80, 65)))
    assert np.asarray(crop).min() == 0 and np.asarray(crop).max() == 255
    large = crop.resize((76, 76), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(decode(high), large)
    np.testing.assert_array_equal(decode(low), large.resize((19, 19), Image.Resampling.BICUBIC))


def test_pngs_hold_the_pixels_alone():
    image = noise(8, 8)
    image.info["icc_profile"] = b"x" * 1000
    png = encode_png(image)
    assert len(png) < 400
    np.testing.assert_array_equal(decode(png), image)


# Contact sheets


def test_sheet_shows_every_picture_and_ink_under_it():
    pictures = np.zeros((3, 16, 16, 3), np.uint8)
    pictures[0], pictures[1], pictures[2] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    sheet = contact_sheet(
        pictures, ["a red bird", "a green bird", "a blue bird"], columns=2, tile=64
    )
    pixels = np.asarray(sheet).reshape(-1, 3)
    for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250)):
        assert (pixels == colour).all(axis=1).sum() == 64 * 64
    bare = contact_sheet(pictures, columns=2, tile=64)
    assert sheet.height > bare.height and sheet.width == bare.width
    assert (pixels.max(axis=1) < 100).any() and not (np.asarray(bare).max(axis=2) < 100).any()


def test_copies_of_one_caption_stand_side_by_side():
    pictures = [np.full((8, 8, 3), level, np.uint8) for level in (10, 20, 30, 40, 50, 60)]
    sheet = np.asarray(contact_sheet(pictures, ["one", "two"], columns=1, tile=32))
    first, third, fourth = (np.argwhere((sheet == level).all(axis=2)) for level in (10, 30, 40))
    assert first[0][0] == third[0][0] and first[0][1] < third[0][1]  # same row, further right
    assert fourth[0][0] > first[0][0] + 32 and fourth[0][1] == first[0][1]  # the next row


def test_long_captions_are_wrapped_within_the_sheet():
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    for caption in (
        "long " * 2000,
        "x" * 10_000,
        "ein gr\N{LATIN SMALL LETTER U WITH DIAERESIS}ner",
    ):
        sheet = contact_sheet(picture, [caption], tile=96)
        assert sheet.width == 96 + 2 * 12 and sheet.height < 400
        assert (np.asarray(sheet)[:, -8:] == 255).all()  # nothing runs over the right margin


def test_a_sheet_refuses_floats_and_uneven_shares():
    with pytest.raises(ValueError, match="uint8"):
        contact_sheet(np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(ValueError, match="3 pictures.*2 captions"):
        contact_sheet(np.zeros((3, 8, 8, 3), np.uint8), ["a", "b"])


def test_the_centre_of_one_picture_and_of_several():
    pixels = np.zeros((2, 10, 13, 3), np.uint8)  # the middle 4 rows begin at 3, columns at 4
    pixels[:, 3:7, 4:8] = 9
    assert centre(pixels, 4).shape == (2, 4, 4, 3) and np.all(centre(pixels, 4) == 9)
    image = noise(19, 19)
    np.testing.assert_array_equal(
        centre_of(encode_png(image), 16), np.asarray(image.crop((1, 1, 17, 17)))
    )
