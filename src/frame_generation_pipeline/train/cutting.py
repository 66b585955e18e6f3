"""Cut faces on the training device, a batch at a time, as `TrainingSet` does with OpenCV."""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from frame_generation_pipeline.spec import FaceSpec


class DeviceFaces:
    """The stored faces of a training set on a device, from which moved faces are cut bicubically.

    PyTorch's `grid_sample` and OpenCV's INTER_CUBIC have the same weights (a = -0.75) and repeat the edge; OpenCV
    rounds positions to 1/32 of a pixel.
    """

    def __init__(self, faces: npt.NDArray[np.uint8], face: FaceSpec, device: torch.device) -> None:
        """faces: (n, side, side, 3) uint8 BGR, as `TrainingSet.faces`; they are copied to `device`, planar."""
        self.face, self.device = face, device
        self.faces = torch.empty((len(faces), 3, *faces.shape[1:3]), dtype=torch.uint8, device=device)
        for index, image in enumerate(faces):
            self.faces[index] = torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1)

    def cut(
        self, indices: npt.NDArray[np.int64], corners: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
    ) -> Tensor:
        """Cut the network's regions: (b, 3, size, size) float32 in [0, 1], in whole levels like OpenCV's.

        indices: (b,) faces. corners: (b, 2) left and top of the crops in pixels of stored faces; sizes: (b,) sides.
        """
        face, stored = self.face, self.faces.shape[-1]
        pixels = torch.arange(face.size, device=self.device, dtype=torch.float32) + (face.margin + 0.5)
        scales = torch.from_numpy((sizes / face.crop_size).astype(np.float32)).to(self.device)
        begin = torch.from_numpy(corners.astype(np.float32)).to(self.device)
        x, y = (
            begin[:, axis, None] + scales[:, None] * pixels for axis in (0, 1)
        )  # the left edge of a stored face is 0
        grid = (
            torch.stack([x[:, None, :].expand(-1, face.size, -1), y[:, :, None].expand(-1, -1, face.size)], dim=-1)
            * (2 / stored)
            - 1
        )
        images = self.faces[torch.from_numpy(indices).to(self.device)].float()
        crops = F.grid_sample(images, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return crops.round_().clamp_(0, 255).div_(255)
