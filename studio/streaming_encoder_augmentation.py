"""Put speech into rooms, narrow bands, noise and other throats, on the powers of its mel bands, which is quick."""

import librosa
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from frame_generation_pipeline.spec import SAMPLE_RATE
from studio.whisper_weights import BANDS

THROAT, ROOM, BAND, COLOUR, OTHERS, START, QUIET = 0.3, 0.25, 0.15, 0.3, 0.1, 0.1, 0.15  # chances
CLEAN = 0.3  # chance that nothing is put on it
THROATS = (0.93, 1.08)  # by which the formants are moved; `streaming_encoder_variation` moves them further
DECAY = (0.05, 0.4)  # s in which a room falls by 60 dB
GAINS = (-30.0, 6.0)  # dB
SIGNAL_TO_NOISE = (8.0, 45.0)  # dB
LEVELS = (-4.0, -1.0)  # powers of ten, of the noise in which nobody speaks; 0 is full scale
RISE = (0.0, 8.0)  # powers of ten, by which that noise sets in
WHITE = 3.75  # power of a band in white noise of variance 1
SHUT = 1e-5  # of the power outside a narrow band
ROUGH = 2.5  # dB, largest standard deviation of the power of a band in a column, and of that of eight bands in 0.1 s
COARSE = (8, 10)  # bands and columns of the latter


def centres() -> Tensor:
    """(80,) the bands' centres in Hz."""
    return torch.tensor(librosa.mel_frequencies(BANDS + 2, fmax=SAMPLE_RATE / 2)[1:-1], dtype=torch.float32)


def disturbed(powers: Tensor, silent: Tensor, generator: Generator) -> Tensor:
    """(b, 80, c) in, (b, 80, c) out; where `silent` (b,), the speech is left out and the noise remains."""
    b, bands, columns = powers.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*(shape or (b, 1, 1)), generator=generator)

    def happens(chance: float) -> Tensor:
        return uniform(0, 1) < chance

    hertz = centres()
    # Another throat: the band at f hears what was at f times the factor.
    factor = torch.where(happens(THROAT), uniform(*THROATS), torch.ones(b, 1, 1))[:, 0]
    sought = hertz * factor
    left = (torch.searchsorted(hertz, sought) - 1).clamp(0, bands - 2)
    part = ((sought - hertz[left]) / (hertz[left + 1] - hertz[left])).clamp(0, 1)[:, :, None]
    rows = left[:, :, None].expand(-1, -1, columns)
    speech = powers.gather(1, rows) * (1 - part) + powers.gather(1, rows + 1) * part

    speech = speech + speech.roll(1, 0) * 10 ** (-uniform(8, 25) / 10) * happens(OTHERS)
    begins = torch.where(happens(START), uniform(0, 120), torch.zeros(b, 1, 1))
    speech = speech * (torch.arange(columns) >= begins) * ~silent[:, None, None]

    times = torch.arange(1, 41) * 0.01
    tail = 10 ** (-6 * times / uniform(*DECAY))
    tail = tail / tail.sum(2, keepdim=True) * uniform(0.03, 0.6) * happens(ROOM)  # (b, 1, 40)
    kernel = torch.cat([tail.flip(2), torch.ones(b, 1, 1)], 2).repeat_interleave(bands, 0)
    speech = F.conv1d(F.pad(speech.reshape(1, b * bands, columns), (40, 0)), kernel, groups=b * bands)[0]
    speech = speech.view(b, bands, columns)

    low, high = uniform(0, 300), uniform(3000, 8000)
    inside = (hertz[:, None] >= low) & (hertz[:, None] <= high)
    speech = speech * torch.where(happens(BAND) & ~inside, SHUT, 1.0)
    curve = F.interpolate(uniform(-6, 6, b, 1, 8), bands, mode="linear", align_corners=True).transpose(1, 2)
    speech = speech * 10 ** (curve * happens(COLOUR) / 10)

    slope = (hertz[:, None] / 1000).clamp_min(0.1) ** -uniform(0, 2)
    slope = slope / slope.mean(1, keepdim=True)
    cells = -torch.rand(2, b, bands, columns, generator=generator).clamp_min(1e-9).log()
    level = speech.mean((1, 2), keepdim=True) * 10 ** (-uniform(*SIGNAL_TO_NOISE) / 10) * ~happens(QUIET)
    of_noise = WHITE * 10 ** (2 * uniform(*LEVELS))
    of_noise = of_noise * torch.where(torch.arange(columns) < uniform(-0.5, 1) * columns, 10 ** -uniform(*RISE), 1.0)
    level = torch.where(silent[:, None, None], of_noise, level)
    speech = (speech + cells.mean(0) * slope * level) * 10 ** (uniform(*GAINS) / 10)

    # Voices of people are rougher than synthetic ones.
    fine = torch.randn(b, bands, columns, generator=generator)
    coarse = torch.randn(b, 1, bands // COARSE[0], columns // COARSE[1] + 2, generator=generator)
    slow = F.interpolate(coarse, (bands, columns), mode="bilinear")[:, 0]
    rough = speech * 10 ** (ROUGH * (fine * uniform(0, 1) + slow * uniform(0, 1)) / 10)
    return torch.where(happens(CLEAN) & ~silent[:, None, None], powers, rough)
