"""What is path-traced: how finely, the expressions, and the part of the image where each differs from the face at rest.

The light on the skin between two of them is interpolated as a ratio to the face at rest: Liu, Shan and Zhang,
"Expressive expression mapping with ratio images", SIGGRAPH 2001.
"""

Window = tuple[float, float, float, float]  # left, top, right and bottom, in shares of the image

SIZE, SAMPLES = 1440, 16  # of the images by default: pixels, rays a pixel
WHITE = 0.7  # albedo of the eyeballs in the bake: they only gather light
EYES, MOUTH = (0.22, 0.30, 0.78, 0.52), (0.24, 0.42, 0.76, 0.80)
KEYS: dict[str, tuple[dict[str, float], Window]] = {
    "blink": ({"eyeBlinkLeft": 0.91, "eyeBlinkRight": 0.91}, EYES),
    "open": (
        {"jawOpen": 0.5, "mouthLowerDownLeft": 0.4, "mouthLowerDownRight": 0.4, "mouthUpperUpLeft": 0.4,
         "mouthUpperUpRight": 0.4}, MOUTH),
    "pucker": ({"mouthPucker": 0.9, "mouthFunnel": 0.3, "jawOpen": 0.06}, MOUTH),
    "stretch": (
        {"mouthStretchLeft": 0.7, "mouthStretchRight": 0.7, "mouthSmileLeft": 0.4, "mouthSmileRight": 0.4}, MOUTH),
}  # fmt: skip
