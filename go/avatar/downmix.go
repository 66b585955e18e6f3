package avatar

import "math/bits"

// Weights of channels by where their speakers stand (ITU-R BS.775, table 2, to one channel, 3 dB lower).
const (
	frontWeight  float32 = 0.5
	centreWeight float32 = 0.70710677
	aroundWeight float32 = 0.35355338

	cancels       = 16.0 // times the energy of the sum that one channel has where the sum cancels
	blocksASecond = 25   // a second, whose energies are added up
)

// Bits of WAVEFORMATEXTENSIBLE's dwChannelMask, in the order of which a file's channels stand.
const (
	frontLeft, frontRight, frontCentre, lowFrequency = 1 << 0, 1 << 1, 1 << 2, 1 << 3
	backLeft, backRight, leftOfCentre, rightOfCentre = 1 << 4, 1 << 5, 1 << 6, 1 << 7
	backCentre, sideLeft, sideRight                  = 1 << 8, 1 << 9, 1 << 10
	frontSpeakers                                    = frontLeft | frontRight | leftOfCentre | rightOfCentre
)

// usualMasks are the speakers of so many channels where the file does not say.
var usualMasks = [...]uint32{
	1: frontCentre,
	2: frontLeft | frontRight,
	3: frontLeft | frontRight | frontCentre,
	4: frontLeft | frontRight | frontCentre | backCentre,
	5: frontLeft | frontRight | frontCentre | backLeft | backRight,
	6: frontLeft | frontRight | frontCentre | lowFrequency | backLeft | backRight,
	7: frontLeft | frontRight | frontCentre | lowFrequency | backCentre | sideLeft | sideRight,
	8: frontLeft | frontRight | frontCentre | lowFrequency | backLeft | backRight | sideLeft | sideRight,
}

// channelWeights gives each channel's weight, in the file's order.
func channelWeights(format wavFile) []float32 {
	mask := format.mask
	if bits.OnesCount32(mask) != format.channels {
		mask = usualMasks[format.channels]
	}
	weights := make([]float32, 0, format.channels)
	for ; mask != 0; mask &= mask - 1 {
		switch speaker := mask & -mask; {
		case speaker == frontCentre:
			weights = append(weights, centreWeight)
		case speaker == lowFrequency:
			weights = append(weights, 0)
		case speaker&frontSpeakers != 0:
			weights = append(weights, frontWeight)
		default:
			weights = append(weights, aroundWeight)
		}
	}
	return weights
}

// downmix says how channels become one: their weighted sum, one of them alone, or their plain mean.
type downmix struct {
	mean    bool
	alone   bool
	channel int // the one that is taken alone
}

// mix gives one channel of interleaved samples.
func (d downmix) mix(format wavFile, samples []float32) []float32 {
	channels := format.channels
	if channels == 1 {
		return samples
	}
	mono := make([]float32, len(samples)/channels)
	switch {
	case d.mean:
		for i := range mono {
			for _, sample := range samples[i*channels : (i+1)*channels] {
				mono[i] += sample
			}
			mono[i] /= float32(channels)
		}
	case d.alone && d.channel < channels:
		for i := range mono {
			mono[i] = samples[i*channels+d.channel]
		}
	default:
		weights := channelWeights(format)
		for i := range mono {
			for c, weight := range weights {
				if weight != 0 {
					mono[i] += float32(weight * samples[i*channels+c]) // not fused
				}
			}
		}
	}
	return mono
}

// cancellation tells from a whole file, piece by piece, whether the weighted sum of its channels cancels.
type cancellation struct {
	format   wavFile
	size     int // samples of a block
	energies []float64
	pending  [][]float32 // of each channel, and of their sum
}

func newCancellation(format wavFile) *cancellation {
	rows := format.channels + 1
	return &cancellation{format, max(1, format.rate/blocksASecond), make([]float64, rows), make([][]float32, rows)}
}

func (c *cancellation) push(samples []float32) {
	if c.format.channels == 1 {
		return
	}
	for i := range c.format.channels {
		c.pending[i] = append(c.pending[i], downmix{alone: true, channel: i}.mix(c.format, samples)...)
	}
	sum := c.format.channels
	c.pending[sum] = append(c.pending[sum], downmix{}.mix(c.format, samples)...)
	for len(c.pending[sum]) >= c.size {
		c.add(c.size)
	}
}

func (c *cancellation) add(size int) {
	for i, row := range c.pending {
		c.energies[i] += energy(row[:size])
		c.pending[i] = append(row[:0], row[size:]...)
	}
}

// downmix says how the file's channels become one; all of it must have been pushed.
func (c *cancellation) downmix() downmix {
	sum := c.format.channels
	if left := len(c.pending[sum]); left > 0 {
		c.add(left)
	}
	loudest, most := 0, -1.0
	for i, weight := range channelWeights(c.format) {
		if power := c.energies[i]; weight != 0 && power > most {
			loudest, most = i, power
		}
	}
	if sum > 1 && cancels*c.energies[sum] < most {
		return downmix{alone: true, channel: loudest}
	}
	return downmix{}
}
