"""Definitions of the figures of quality: their names, units, and which values are better."""

from dataclasses import dataclass

OUTPUT, TEMPLATE, RANDOM, RECORDING = "output", "template", "random", "recording"
DUBBING, UNCHANGED = "dubbing", "unchanged"
RECONSTRUCTION = {
    OUTPUT: "a held-out frame t whose face is painted from its own crop with the middle blacked out, the audio around"
    " t, and as the reference image the crop of another frame r(t), of the training part",
    TEMPLATE: "baseline: frame t with the face of r(t) as it is, resized into its box",
    RANDOM: "baseline: frame t with the mouth of a random frame of the training part, resized into its mouth's box",
    RECORDING: "frame t itself",
}
USE = {
    DUBBING: "as in use: the audio of frame t on another held-out frame s, half the part away, which is its own"
    " reference image; the lips are compared with those of frame t",
    UNCHANGED: "baseline: frame s as it is",
}


@dataclass(frozen=True)
class Definition:
    """The definition of one figure."""

    title: str
    unit: str
    better: str  # `higher`, `lower`, or `near` the best value
    text: str
    digits: int = 3  # shown after the decimal point


DEFINITIONS = {
    "face_psnr": Definition(
        "PSNR of the face", "dB", "higher", "of the mean squared error over the face's box and all frames", 2
    ),
    "face_ssim": Definition(
        "SSIM of the face",
        "",
        "higher",
        "structural similarity over the face's box (Wang et al. 2004), mean of the frames",
        4,
    ),
    "mouth_psnr": Definition(
        "PSNR of the mouth",
        "dB",
        "higher",
        "of the mean squared error over a square around the true lips, 0.72 distances between the outer eye corners"
        " wide",
        2,
    ),
    "mouth_ssim": Definition("SSIM of the mouth", "", "higher", "structural similarity over the same square", 4),
    "mouth_sharpness": Definition(
        "sharpness of the mouth",
        "ratio",
        "near 1",
        "variance of the Laplacian of the grey levels in the mouth's square, over that of the recording; both averaged"
        " over 4 x 4 pixels of the network's output first, so that a grid of 2 or 4 pixels counts as no detail",
    ),
    "lip_distance": Definition(
        "distance of the lips",
        "%",
        "lower",
        "mean distance between the 40 points of the lips in the output, found again, and in the recording, over the"
        " distance between the outer eye corners",
        2,
    ),
    "lip_distance_px": Definition(
        "distance of the lips in pixels",
        "px",
        "lower",
        "the same distance in pixels of a face's box that is 320 wide",
        2,
    ),
    "opening_correlation": Definition(
        "correlation of the lips' opening",
        "",
        "higher",
        "Pearson's, of the gap between the lips over time with that of the recording where the same is said; the gap"
        " is the mean of what the tracker finds in a frame and in its mirror image",
    ),
    "lag": Definition(
        "lag of the lips",
        "ms",
        "near 0",
        "shift within 10 frames at which that correlation is highest, between frames by a parabola; positive: the lips"
        " come late",
        0,
    ),
    "seam": Definition(
        "seam at the box's edge",
        "ratio",
        "near 1",
        "mean absolute difference between the pixels just outside and just inside the face's box, over the same of the"
        " unedited frame",
    ),
    "inner_seam": Definition(
        "seam at the painted edge",
        "ratio",
        "near 1",
        "the same across the edge of what the network paints, which lies a little inside the box",
    ),
    "lip_jitter": Definition(
        "jitter of the lips",
        "ratio",
        "near 1",
        "mean length of the second difference over time of the lips' points, over that of the recording",
    ),
    "mouth_jitter": Definition(
        "jitter of the mouth's pixels",
        "ratio",
        "near 1",
        "mean absolute second difference over time of the pixels in the mouth's square, held still, over that of the"
        " recording",
    ),
    "silence_motion": Definition(
        "motion in silence",
        "%",
        "near the recording's",
        "mean absolute change from frame to frame of the gap between the lips, over the distance between the outer eye"
        " corners, where the audio of both frames is below -45 dB of full scale",
        2,
    ),
    "closure": Definition(
        "lips that meet for p, b, m",
        "%",
        "higher",
        "share of the p, b and m of the given phones, where the lips of the recording meet, in which they meet too: in"
        " a frame at most half a frame outside of the phone the gap is less than 1 % of the distance between the outer"
        " eye corners above the recording's second percentile, at which a tracker sees closed lips",
        1,
    ),
    "resting": Definition(
        "lips together in pauses",
        "%",
        "near the recording's",
        "share of the frames in the given phones' silences, 0.2 s away from speech, in which the gap is so small",
        1,
    ),
    "silence_opening": Definition(
        "opening on digital silence",
        "%",
        "near 0",
        "standard deviation of the gap between the lips, over the distance between the outer eye corners, in 2 s on"
        " digital silence; unchanged: of the same frames as they are",
        2,
    ),
}


@dataclass(frozen=True)
class Value:
    """The value of a figure, or the reason why it has none."""

    number: float | None
    reason: str | None = None  # if `number` is None

    @classmethod
    def missing(cls, reason: str) -> "Value":
        """A missing value, with the reason."""
        return cls(None, reason)
