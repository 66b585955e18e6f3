"""The arrays that go from room to room; the comments state shape, units and order of colours."""

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR; an image of a video or template, or a part of one
Planes = npt.NDArray[np.uint8]  # (H * 3/2, W), both even: Y, then Cb and Cr at half size; BT.709, limited range
Samples = npt.NDArray[np.float32]  # (n,) mono at 16 kHz, full scale is [-1, 1]
Features = npt.NDArray[np.float32]  # (n, F), one row for each frame
Window = npt.NDArray[np.float32]  # (16, F), what the generator sees for one frame
