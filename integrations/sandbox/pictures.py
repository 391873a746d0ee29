"""Small drawn landscapes for the demo world, so the page has something to look at."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from math import sin

WIDTH, HEIGHT = 480, 252
# Per picture: sky top, sky bottom, far ridge, near ridge, ground.
_PALETTES = (
    ((126, 166, 196), (236, 222, 202), (112, 138, 146), (70, 98, 92), (44, 66, 58)),
    ((96, 112, 138), (178, 190, 202), (98, 112, 128), (62, 78, 94), (38, 50, 62)),
    ((228, 170, 120), (250, 226, 178), (178, 122, 104), (120, 80, 82), (70, 52, 62)),
    ((150, 192, 176), (240, 240, 214), (128, 160, 132), (84, 122, 92), (50, 82, 60)),
    ((120, 150, 208), (216, 228, 244), (128, 146, 180), (86, 106, 144), (54, 70, 100)),
    ((176, 190, 210), (244, 246, 250), (190, 202, 216), (140, 156, 176), (232, 238, 244)),
)


@lru_cache(maxsize=8)
def landscape(number: int) -> bytes:
    """A PNG of 480 x 252 pixels: sky, two ridges, ground; the same for the same number."""
    top, bottom, far, near, ground = _PALETTES[number % len(_PALETTES)]
    ridges = [_ridge(number, 0.36, 34), _ridge(number + 7, 0.56, 28), _ridge(number + 13, 0.8, 9)]
    raw = bytearray()
    for y in range(HEIGHT):
        mix = y / HEIGHT
        sky = bytes(int(a + (b - a) * mix) for a, b in zip(top, bottom, strict=True))
        raw.append(0)
        for x in range(WIDTH):
            if y > ridges[2][x]:
                raw += bytes(ground)
            elif y > ridges[1][x]:
                raw += bytes(near)
            elif y > ridges[0][x]:
                raw += bytes(far)
            else:
                raw += sky
    return png(WIDTH, HEIGHT, bytes(raw))


def _ridge(number: int, level: float, height: int) -> list[float]:
    return [
        HEIGHT * level
        - height * (sin(x / 61 + number) + 0.5 * sin(x / 23 + number * 2) + 0.25 * sin(x / 9))
        for x in range(WIDTH)
    ]


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG file from 8-bit RGB rows, each with its leading filter byte."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body
