"""How close two images are: the peak signal-to-noise ratio."""

from math import inf, log10


def psnr(mse: float) -> float:
    """Return the PSNR in dB of a mean squared error in levels squared, of 0 to 255; infinite for 0."""
    return 10 * log10(255**2 / mse) if mse else inf
