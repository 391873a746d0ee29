"""Pictures for the demo's ads, drawn rather than shipped."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw

SIZE = (1200, 628)
_SCENES = {
    "ridge": ((247, 224, 196), (231, 143, 92), [(196, 120, 92), (122, 84, 92), (58, 52, 74)]),
    "lake": ((214, 232, 240), (250, 214, 140), [(132, 170, 186), (72, 122, 146), (36, 72, 96)]),
    "forest": ((226, 238, 218), (246, 240, 196), [(140, 178, 132), (82, 130, 94), (36, 78, 62)]),
}


def draw_scene(name: str) -> bytes:
    """A PNG of 1200 x 628 pixels: sky, sun and three rows of hills."""
    sky, sun, hills = _SCENES[name]
    image = Image.new("RGB", SIZE, sky)
    pen = ImageDraw.Draw(image)
    pen.ellipse((760, 110, 920, 270), fill=sun)
    for row, colour in enumerate(hills):
        base, height, phase = 300 + row * 90, 80 - row * 14, row * 1.9 + len(name)
        ridge = [
            (x, base + height * math.sin(x / 170 + phase) + height / 2 * math.sin(x / 61 + phase))
            for x in range(0, SIZE[0] + 1, 8)
        ]
        pen.polygon([(0, SIZE[1]), *ridge, (SIZE[0], SIZE[1])], fill=colour)
    pen.polygon([(330, 560), (400, 452), (470, 560)], fill=sun)
    pen.polygon([(400, 452), (430, 560), (470, 560)], fill=sky)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
