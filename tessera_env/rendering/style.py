"""Sizes and colours of the Gantt chart. Lengths are in pixels."""

from tessera_env.rendering.canvas import Colour

WIDTH, HEIGHT = 1280, 720
LEFT, RIGHT = 172, 1256  # of the time axis
MARGIN = 20
TOP, BOTTOM = 82, 660  # of the lanes and of the panels below them

WHITE: Colour = (255, 255, 255)
INK: Colour = (28, 32, 40)
FAINT: Colour = (108, 114, 126)
GRID: Colour = (206, 209, 216)
ALARM: Colour = (214, 20, 30)  # interruptions, and what is late
FUTURE: Colour = (248, 248, 250)
AVAILABLE: Colour = (226, 242, 232)
UNAVAILABLE: Colour = (208, 209, 216)
ON_DEMAND: Colour = (233, 237, 246)
LAUNCHING: Colour = (176, 180, 190)
NOTICED: Colour = (250, 176, 170)
WAITING: Colour = (219, 139, 44)
WORK: Colour = (88, 130, 184)

# From well-known schemes, chosen so that any two of them, and each of them and the red of signs or a lane's background,
# are told apart whatever one's colour vision: at least 16 apart in CIELAB, seen with all kinds of cones or without one.
TASK_COLOURS: tuple[Colour, ...] = (
    (57, 105, 172),
    (230, 131, 16),
    (78, 178, 101),
    (204, 121, 167),
    (153, 221, 255),
    (51, 34, 136),
    (247, 240, 86),
    (136, 34, 85),
)


def task_colour(task: int) -> Colour:
    """The colour of a task; a negative number means no task."""
    return TASK_COLOURS[task % len(TASK_COLOURS)] if task >= 0 else FAINT


def ink_on(colour: Colour) -> Colour:
    """Dark or white, whichever reads better on the colour."""
    red, green, blue = colour
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 130.0 else WHITE
