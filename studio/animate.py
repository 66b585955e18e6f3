"""Make the README's animation of a video: python studio/animate.py demo.mp4 -o docs/demo.webp."""

import argparse
from pathlib import Path

import av
from PIL import Image

SIDE, EVERY, QUALITY = 400, 2, 55  # pixels; frames shown of the video's; of WebP, 0 to 100


def main() -> None:
    """Read, make smaller, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=8)
    arguments = parser.parse_args()
    images: list[Image.Image] = []
    with av.open(str(arguments.video)) as container:
        average = container.streams.video[0].average_rate
        if average is None:
            raise SystemExit(f"{arguments.video}: a video with a frame rate was expected")
        rate = float(average)
        for number, frame in enumerate(container.decode(video=0)):
            if number / rate >= arguments.seconds:
                break
            if number % EVERY == 0:
                shown = Image.fromarray(frame.to_ndarray(format="rgb24"))
                images.append(shown.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    images[0].save(
        arguments.output, save_all=True, append_images=images[1:], duration=round(1000 * EVERY / rate), loop=0,
        quality=QUALITY, method=6,
    )  # fmt: skip


if __name__ == "__main__":
    main()
