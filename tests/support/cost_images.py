"""Hostile images whose computing time and memory are measured, each with the status that it should get."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from tests.support import hostile_images as images
from tests.support.decoder_inputs import jpeg_with_scans, photo
from tests.support.hostile_images import SIDE, flat, png, webp, webp_animation, webp_bitstream, webp_canvas
from tests.support.images import encoded, png_that_claims, trousers

OPAQUE, TRANSPARENT = 2, 6  # colour types of PNG
JUST_BELOW = 7_071  # the side of a square of 50 million pixels


@dataclass(frozen=True)
class CostlyImage:
    name: str
    status: int
    make: Callable[[], bytes]


JPEGS = [
    CostlyImage("JPEG: 100 scans of 10 megapixels, the most allowed", 200, lambda: jpeg_with_scans(91, 3_160)),
    CostlyImage("JPEG: 101 scans of a small image", 422, lambda: jpeg_with_scans(92, 60)),
    CostlyImage("JPEG: 300 scans", 422, lambda: jpeg_with_scans(300, 600)),
    CostlyImage("JPEG: 2,000 scans", 422, lambda: jpeg_with_scans(2_000, 3_000)),
    CostlyImage("JPEG: 43,000 scans", 422, lambda: jpeg_with_scans(43_000, 3_000)),
    CostlyImage("JPEG: 49 megapixels", 200, lambda: encoded(flat("RGB"), "JPEG")),
    CostlyImage("JPEG: 49 megapixels in CMYK", 200, lambda: encoded(flat("CMYK"), "JPEG")),
    CostlyImage("JPEG: 49 megapixels, progressive", 200, lambda: encoded(flat("RGB"), "JPEG", progressive=True)),
    CostlyImage(
        "JPEG: 49 megapixels, progressive, without subsampling",
        200,
        lambda: encoded(flat("RGB"), "JPEG", progressive=True, subsampling=0),
    ),
    CostlyImage("JPEG: 49 megapixels, of which it has few", 200, lambda: images.jpeg_that_claims(SIDE)),
    CostlyImage(
        "JPEG: 9,000 EXIF segments", 422, lambda: images.jpeg_segments(0xE1, b"Exif\0\0II*\0" + bytes(500), 9_000)
    ),
    CostlyImage(
        "JPEG: 750 EXIF segments of 64 kB", 422, lambda: images.jpeg_segments(0xE1, b"Exif\0\0" + bytes(65_000), 750)
    ),
    CostlyImage(
        "JPEG: 9,000 colour profiles", 200, lambda: images.jpeg_segments(0xE2, b"ICC_PROFILE\0" + bytes(99), 9_000)
    ),
    CostlyImage(
        "JPEG: 9,000 Photoshop segments", 200, lambda: images.jpeg_segments(0xED, b"Photoshop 3.0\0" + bytes(99), 9_000)
    ),
    CostlyImage("JPEG: 9,000 MPF segments", 200, lambda: images.jpeg_segments(0xE2, b"MPF\0" + bytes(99), 9_000)),
    CostlyImage("JPEG: 100,000 comments", 422, lambda: images.jpeg_segments(0xFE, b"", 100_000)),
]

PNGS = [
    CostlyImage("PNG: 49 megapixels, RGBA", 200, lambda: png(SIDE, SIDE, 8, TRANSPARENT)),
    CostlyImage("PNG: 49 megapixels, RGBA, interlaced", 200, lambda: png(SIDE, SIDE, 8, TRANSPARENT, interlaced=True)),
    CostlyImage("PNG: 49 megapixels, RGBA, 16 bits", 200, lambda: png(SIDE, SIDE, 16, TRANSPARENT)),
    CostlyImage("PNG: 49 megapixels, grey with alpha", 200, lambda: png(SIDE, SIDE, 8, 4)),
    CostlyImage("PNG: 49 megapixels, grey, 16 bits", 200, lambda: png(SIDE, SIDE, 16, 0)),
    CostlyImage(
        "PNG: 49 megapixels, RGB with a transparent colour",
        200,
        lambda: png(SIDE, SIDE, 8, OPAQUE, extra=images.png_chunk(b"tRNS", bytes(6))),
    ),
    CostlyImage(
        "PNG: 49 megapixels, palette with transparency",
        200,
        lambda: png(SIDE, SIDE, 8, 3, extra=images.png_chunk(b"tRNS", bytes(range(256)))),
    ),
    CostlyImage("PNG: 49 megapixels of one bit", 200, lambda: png(SIDE, SIDE, 1, 0)),
    CostlyImage("PNG: 1 x 49,000,000", 413, lambda: png(1, 49_000_000, 8, 0)),
    CostlyImage("PNG: 49,000,000 x 1", 413, lambda: png(49_000_000, 1, 8, TRANSPARENT)),
    CostlyImage("PNG: 49 megapixels that it does not have", 422, lambda: png_that_claims(SIDE, SIDE)),
    CostlyImage("PNG: a colour profile of 200 MB", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"iCCP", 200))),
    CostlyImage("PNG: 20 texts of 50 MB", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"zTXt", 50, 20))),
    CostlyImage("PNG: 400 international texts", 200, lambda: png(60, 60, 8, 2, extra=images.packed(b"iTXt", 1, 400))),
    CostlyImage(
        "PNG: 49,000 empty texts", 200, lambda: png(60, 60, 8, 2, extra=images.png_chunk(b"tEXt", b"a\0") * 49_000)
    ),
    CostlyImage("PNG: pixels in 47,000 pieces", 200, lambda: images.png_in_pieces(125)),
    CostlyImage("PNG: an animation of 500 frames", 200, lambda: _animated_png(500)),
]

TIFFS = [
    CostlyImage("TIFF: 49,000 strips", 200, lambda: images.tiff_of_strips(49_000)),
    CostlyImage("TIFF: 200,000 strips", 422, lambda: images.tiff_of_strips(200_000)),
    CostlyImage("TIFF: 3 million strips", 422, lambda: images.tiff_of_strips(3_000_000)),
    CostlyImage("TIFF: 8 million strips in 48 MB", 422, lambda: images.tiff_of_strips(8_000_000)),
    CostlyImage("BigTIFF: 1 million strips", 422, lambda: images.tiff_of_strips(1_000_000, big=True)),
    CostlyImage("TIFF: 49 megapixels in 191,000 tiles", 422, lambda: images.tiff_of_tiles(SIDE, 16)),
    CostlyImage("TIFF: a tile of 50,000 x 50,000", 422, lambda: images.tiff_of_tiles(60, 50_000, data=bytes(100))),
    CostlyImage(
        "TIFF: a packed tile of 50,000 x 50,000",
        413,
        lambda: images.tiff_of_tiles(60, 50_000, compression=8, data=bytes(100)),
    ),
    CostlyImage(
        "TIFF: 49 megapixels, deflate", 200, lambda: images.tiff_compressed(flat("RGBA"), "tiff_adobe_deflate")
    ),
    CostlyImage("TIFF: 49 megapixels, LZW", 200, lambda: images.tiff_compressed(flat("RGB"), "tiff_lzw")),
    CostlyImage("TIFF: 49 megapixels of fax", 200, lambda: images.tiff_compressed(flat("1"), "group4")),
    CostlyImage("TIFF: 25 megapixels of floats", 200, lambda: images.tiff_compressed(flat("F", 5_000), "tiff_lzw")),
    CostlyImage(
        "TIFF: a JPEG of 43,000 scans within", 422, lambda: images.tiff_around_jpeg(jpeg_with_scans(43_000, 900), 900)
    ),
    CostlyImage("TIFF: directories in a circle", 422, lambda: images.tiff({256: (3, [1])}, following=8)),
]

WEBPS = [
    CostlyImage(
        "WebP: 49 megapixels, lossless, in 38 bytes", 413, lambda: webp(webp_bitstream(flat("RGB"), lossless=True))
    ),
    CostlyImage("WebP: 49 megapixels, lossless, RGBA", 413, lambda: webp(webp_bitstream(flat("RGBA"), lossless=True))),
    CostlyImage("WebP: 49 megapixels, lossy", 413, lambda: encoded(flat("RGB"), "WEBP", method=0)),
    CostlyImage("WebP: 49 megapixels, lossy, RGBA", 413, lambda: encoded(flat("RGBA"), "WEBP", method=0)),
    CostlyImage("WebP: 21 megapixels, lossless", 200, lambda: webp(webp_bitstream(flat("RGB", 4_580), lossless=True))),
    CostlyImage("WebP: 21 megapixels, lossy, RGBA", 200, lambda: encoded(flat("RGBA", 4_580), "WEBP", method=0)),
    CostlyImage(
        "WebP: 16,383 x 2,900, lossy", 413, lambda: encoded(Image.new("RGB", (16_383, 2_900)), "WEBP", method=0)
    ),
    CostlyImage(
        "WebP: 49 megapixels on a canvas of 60 x 60",
        413,
        lambda: webp(webp_canvas(60, 0), webp_bitstream(flat("RGB"), lossless=True)),
    ),
    CostlyImage(
        "WebP: an animation of 49 megapixels",
        413,
        lambda: webp_animation(SIDE, 9, webp_bitstream(flat("RGB", 60)), 60),
    ),
    CostlyImage(
        "WebP: an animation of 21 megapixels, 900 frames",
        200,
        lambda: webp_animation(4_580, 900, webp_bitstream(flat("RGB", 60)), 60),
    ),
    CostlyImage("WebP: noise of 2 megapixels", 200, lambda: encoded(photo(size=(1_600, 1_200)), "WEBP", lossless=True)),
]

OTHERS = [
    CostlyImage("AVIF: 50 megapixels", 413, lambda: encoded(flat("RGB", JUST_BELOW), "AVIF", speed=10)),
    CostlyImage("AVIF: 25 megapixels", 200, lambda: encoded(flat("RGB", 5_000), "AVIF", speed=10)),
    CostlyImage("AVIF: 25 megapixels, RGBA", 200, lambda: encoded(flat("RGBA", 5_000), "AVIF", speed=10)),
    CostlyImage("AVIF: 12 megapixels of a photo", 200, lambda: encoded(photo(size=(4_000, 3_000)), "AVIF", speed=10)),
    CostlyImage("AVIF: 8 megapixels of noise", 422, lambda: _noisy_avif(3_200, 2_500)),
    CostlyImage(
        "AVIF: 49 megapixels that claim to be 60 x 60",
        200,
        lambda: images.heif_that_claims(encoded(flat("RGB"), "AVIF", speed=10), 60, 60),
    ),
    CostlyImage(
        "AVIF: an animation of 16 megapixels",
        200,
        lambda: encoded(flat("RGB", 4_000), "AVIF", speed=10, save_all=True, append_images=[flat("RGB", 4_000)] * 3),
    ),
    CostlyImage("HEIC: 49 megapixels", 200, lambda: images.heic_of_tiles(27, 27, thumbnail=True)),
    CostlyImage("HEIC: 49 megapixels without a thumbnail", 413, lambda: images.heic_of_tiles(31, 24)),
    CostlyImage("HEIC: 25 megapixels", 200, lambda: images.heic_of_tiles(20, 19)),
    CostlyImage("HEIC: 49 megapixels that claim to be 60 x 60", 422, lambda: _lying_heic(60, 60)),
    CostlyImage("HEIC: 12 megapixels", 200, lambda: images.heic_of_tiles(16, 12)),
    CostlyImage("GIF: 49 megapixels with transparency", 200, lambda: images.gif(flat("P"), transparency=0)),
    CostlyImage("GIF: 2,000 frames", 200, lambda: images.gif(trousers(60).quantize(), 2_000, duration=10)),
    CostlyImage("GIF: a pixel on a screen of 49 megapixels", 200, lambda: images.gif_on_screen(SIDE, flat("P", 1))),
    CostlyImage("BMP: 2 million runs", 422, lambda: images.bmp_of_runs(SIDE, 2_000_000)),
    CostlyImage("BMP: 20 million runs", 422, lambda: images.bmp_of_runs(SIDE, 20_000_000)),
    CostlyImage("BMP: 49 megapixels in long runs", 200, lambda: images.bmp_in_rows(SIDE)),
    CostlyImage("BMP: 49 megapixels of one bit", 200, lambda: encoded(flat("1"), "BMP")),
]

COSTLY_IMAGES = [*JPEGS, *PNGS, *TIFFS, *WEBPS, *OTHERS]


def _animated_png(frames: int) -> bytes:
    return encoded(
        trousers(60), save_all=True, append_images=[trousers(60 + i % 2).resize((60, 60)) for i in range(frames)]
    )


def _lying_heic(width: int, height: int) -> bytes:
    return images.heif_that_claims(images.heic_of_tiles(27, 27), width, height)


def _noisy_avif(width: int, height: int) -> bytes:
    """As much work for its decoder as pixels can be."""
    bands = [Image.effect_noise((width, height), 200) for _ in range(3)]
    return encoded(Image.merge("RGB", bands), "AVIF", speed=10, quality=100, subsampling="4:4:4")
