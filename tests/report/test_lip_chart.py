import numpy as np

from frame_generation_pipeline.report.lip_chart import COLOURS, HEIGHT, SHADE, WIDTH, draw_lip_chart
from samples import draw


def test_chart() -> None:
    samples = draw("audio", (16_000,)) * np.float32(0.1)
    curve = np.array([0.0, 0.1, np.nan, 0.2, 0.2] * 5)
    image = draw_lip_chart(samples, [1.0] * 5 + [0.0] * 20, {"result": curve}, 25, mark=4)
    assert (image == SHADE).all(axis=2)[:, : WIDTH // 4].sum() > 1000
    assert not (image == SHADE).all(axis=2)[:, WIDTH // 2 :].any()
    empty = draw_lip_chart(np.empty(0, np.float32), [], {"result": np.full(25, np.nan)}, 25)
    assert not (empty == COLOURS[0]).all(axis=2)[HEIGHT // 2 :].any()
