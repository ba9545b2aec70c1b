"""Pictures of an episode from its event log."""


def ansi_line(scenario, entry):
    return str(entry)


def gantt_image(scenario, log, now_s):
    import numpy as np

    return np.zeros((4, 4, 3), np.uint8)
