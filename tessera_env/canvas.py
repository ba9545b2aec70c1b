"""A small drawing surface: shapes are drawn twice as large and averaged down, so that edges are smooth."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels

_FINE = 2  # drawn pixels a pixel, each way
_STRIPE_EVERY, _STRIPE_WIDTH = 6, 2  # pixels


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # the wheels of Pillow have FreeType
    return font


@cache
def _stripes(width: int, height: int) -> Image.Image:
    """A mask of diagonal stripes over the whole surface."""
    rows, columns = np.ogrid[: height * _FINE, : width * _FINE]
    striped = (rows + columns) % (_STRIPE_EVERY * _FINE) < _STRIPE_WIDTH * _FINE
    return Image.fromarray(striped.astype(np.uint8) * 255)


@cache
def text_width(text: str, size: float) -> float:
    """The width of a line of text, in pixels."""
    return _font(size).getlength(text)


def shortened(text: str, size: float, width: float) -> str:
    """The text, cut off with an ellipsis if it is wider than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour between two: `share` of the first one."""
    red, green, blue = (round(share * a + (1.0 - share) * b) for a, b in zip(colour, other, strict=True))
    return red, green, blue


class Canvas:
    """A picture in the making; text lies above all shapes.

    Args:
        width: in pixels, as all lengths.
        height: likewise.
        colour: of the background.
    """

    def __init__(self, width: int, height: int, colour: Colour):
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _FINE, height * _FINE), colour)
        self._draw = ImageDraw.Draw(self._image)
        self._texts: list[tuple[tuple[float, float], str, float, Colour, str]] = []

    def box(self, box: Box, colour: Colour) -> None:
        """A filled rectangle, at least a drawn pixel wide and high."""
        left, top, right, bottom = self._fine(box)
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def frame(self, box: Box, colour: Colour) -> None:
        """The outline of a rectangle, one pixel thick."""
        left, top, right, bottom = self._fine(box)
        self._draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=_FINE)

    def hatch(self, box: Box, colour: Colour) -> None:
        """Diagonal stripes over a rectangle; they go on in the next one."""
        fine = self._fine(box)
        self._image.paste(colour, fine, _stripes(self.width, self.height).crop(fine))

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: float = 1.0) -> None:
        """A line through the points."""
        fine = [(round(x * _FINE), round(y * _FINE)) for x, y in points]
        self._draw.line(fine, fill=colour, width=max(1, round(width * _FINE)))

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], fill=colour)

    def text(self, x: float, y: float, text: str, size: float, colour: Colour, anchor: str = "lm") -> None:
        """A line of text; `anchor` is Pillow's: l, m or r for left, middle or right, then t, m, s or b."""
        self._texts.append(((x, y), text, size, colour, anchor))

    def pixels(self) -> np.ndarray:
        """The picture, (height, width, 3) uint8."""
        image = self._image.reduce(_FINE)
        draw = ImageDraw.Draw(image)
        for position, text, size, colour, anchor in self._texts:
            draw.text(position, text, fill=colour, font=_font(size), anchor=anchor)
        return np.array(image)

    def _fine(self, box: Box) -> tuple[int, int, int, int]:
        left, top, right, bottom = (round(length * _FINE) for length in box)
        return left, top, max(right, left + 1), max(bottom, top + 1)
