"""A small drawing surface: shapes are drawn twice as large and averaged down, so that edges are smooth."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
Points = Sequence[tuple[float, float]] | np.ndarray  # (n, 2)

_FINE = 2  # drawn pixels a pixel, each way
_STRIPE_EVERY, _STRIPE_WIDTH = 6, 2  # pixels
_DASH = 4.0  # pixels


@cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size * _FINE)
    assert isinstance(font, ImageFont.FreeTypeFont)  # the wheels of Pillow have FreeType
    return font


@cache
def _stripes(width: int, height: int) -> Image.Image:
    """A mask of diagonal stripes over the whole surface."""
    rows, columns = np.ogrid[: height * _FINE, : width * _FINE]
    striped = (rows + columns) % (_STRIPE_EVERY * _FINE) < _STRIPE_WIDTH * _FINE
    return Image.fromarray(striped.astype(np.uint8) * 255)


@lru_cache(4096)
def text_width(text: str, size: float) -> float:
    """The width of a line of text, in pixels."""
    return _font(size).getlength(text) / _FINE


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


def _flat(points: np.ndarray) -> list[float]:
    """x, y, x, y, ...: without a tuple a point, of which a long curve has thousands."""
    flat: list[float] = points.ravel().tolist()
    return flat


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

    def line(self, points: Points, colour: Colour, width: float = 1.0) -> None:
        """A line through the points."""
        self._draw.line(_flat(np.rint(np.asarray(points) * _FINE)), fill=colour, width=max(1, round(width * _FINE)))

    def dashes(self, start: Sequence[float] | np.ndarray, end: Sequence[float] | np.ndarray, colour: Colour) -> None:
        """A dashed line from one point to another."""
        dashes = 1 + round(math.dist(start, end) / (2.0 * _DASH))
        ends = np.linspace(start, end, 2 * dashes)
        for k in range(0, len(ends), 2):
            self.line(ends[k : k + 2], colour)

    def polygon(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(_flat(np.asarray(points) * _FINE), fill=colour)

    def text(self, x: float, y: float, text: str, size: float, colour: Colour, anchor: str = "lm") -> None:
        """A line of text; `anchor` is Pillow's: l, m or r for left, middle or right, then t, m, s or b."""
        self._texts.append(((x, y), text, size, colour, anchor))

    def pixels(self) -> np.ndarray:
        """The picture, (height, width, 3) uint8."""
        for (x, y), text, size, colour, anchor in self._texts:
            self._draw.text((x * _FINE, y * _FINE), text, fill=colour, font=_font(size), anchor=anchor)
        return np.array(self._image.reduce(_FINE))

    def _fine(self, box: Box) -> tuple[int, int, int, int]:
        left, top, right, bottom = (round(length * _FINE) for length in box)
        return left, top, max(right, left + 1), max(bottom, top + 1)
