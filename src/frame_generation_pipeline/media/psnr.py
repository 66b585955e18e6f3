"""Compute the peak signal-to-noise ratio of two images."""

from math import inf, log10


def psnr(mse: float, peak: float = 255) -> float:
    """Return the PSNR in dB of a mean squared error of values from 0 to `peak`; infinite for 0."""
    return 10 * log10(peak**2 / mse) if mse else inf
