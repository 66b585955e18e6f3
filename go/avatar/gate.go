package avatar

import (
	"math"
	"slices"
)

const (
	shortestSilence = 10     // frames; the mouth rests in no shorter one. It is longer than a window reaches ahead
	fade            = 4      // frames; from speech to rest and back
	lowest          = -200.0 // dB; what digital silence is said to have
)

// Of the gate that packages have from version 3 on; energies are those of energy, and docs/avatar.md has the same numbers.
const (
	usualThreshold = 429_497.0 // energy, -40 dB: speech at a usual level is above it
	noRoom         = 16.0      // energy, -84 dB; below it is digital silence, which says nothing of the room's noise
	unknownRoom    = 2_710.0   // energy, -62 dB: what digital silence is taken for
	floorFrames    = 100       // the room's noise is the third smallest of so many frames
	floorRank      = 3
	aboveRoom      = 16.0     // times the room's energy from which a quiet voice is heard
	aboveNoise     = 8.0      // times the room's energy that is demanded of any voice once the room is known
	belowSpeech    = 1. / 128 // of the speech's own energy, below which nothing belongs to it
	hysteresis     = 0.3125   // of the threshold, at which speech ends
	rise, fall     = 1.125, 0.96875

	steps = 65536 // of full scale, to which samples are rounded for their energy
)

// Gate says when somebody speaks: from where the level reaches Speech until it falls below Silence, both in dB of full
// scale, of a frame's audio without its mean.
type Gate struct{ Silence, Speech float64 }

// FixedGate is the gate of packages up to version 2. From version 3 on it follows from the room and the voice.
var FixedGate = Gate{-45, -40}

// speechDetector is given the audio of frame after frame, and tells whether somebody speaks in it.
type speechDetector func(samples []float32) bool

func (g Gate) detector() speechDetector {
	speaks := false
	return func(samples []float32) bool {
		threshold := g.Speech
		if speaks {
			threshold = g.Silence
		}
		speaks = level(samples) >= threshold
		return speaks
	}
}

// relativeDetector tells a voice from the room's noise and from its own level.
func relativeDetector() speechDetector {
	var floors []float64
	speech, speaks := 0.0, false
	return func(samples []float32) bool {
		power := energy(samples)
		floor := power
		if floor < noRoom {
			floor = unknownRoom
		}
		floors = append(floors, floor)
		floors = floors[max(0, len(floors)-floorFrames):]
		threshold := usualThreshold
		if len(floors) >= floorRank {
			sorted := slices.Sorted(slices.Values(floors))
			room := sorted[floorRank-1]
			threshold = min(max(float64(aboveRoom*room), float64(belowSpeech*speech)), usualThreshold)
			if len(floors) == floorFrames {
				threshold = max(threshold, float64(aboveNoise*room))
			}
		}
		if speaks {
			threshold = float64(threshold * hysteresis)
		}
		if speaks = power >= threshold; speaks {
			switch {
			case speech == 0:
				speech = min(power, usualThreshold)
			case power > speech:
				speech *= rise
			default:
				speech *= fall
			}
		}
		return speaks
	}
}

// energy is the variance of samples, at most 32768, in steps of 1 / 65536, squared: exact sums and one division.
func energy(samples []float32) float64 {
	total, squares := int64(0), int64(0)
	for _, sample := range samples {
		step := int64(math.RoundToEven(float64(max(-1, min(1, sample)) * steps)))
		total += step
		squares += step * step
	}
	count := int64(len(samples))
	return float64(count*squares-total*total) / float64(count*count)
}

// frameSplitter gives the samples of each video frame, from audio in pieces.
type frameSplitter struct {
	size    int // samples of a frame
	pending []float32
}

func (s *frameSplitter) push(samples []float32, yield func([]float32)) {
	s.pending = append(s.pending, samples...)
	at := 0
	for ; at+s.size <= len(s.pending); at += s.size {
		yield(s.pending[at : at+s.size])
	}
	s.pending = append(s.pending[:0], s.pending[at:]...)
}

// flush gives a last frame that the audio only begins, if there is one.
func (s *frameSplitter) flush(yield func([]float32)) {
	if len(s.pending) > 0 {
		yield(s.pending)
	}
}

// level is that of samples' standard deviation, in dB of full scale.
func level(samples []float32) float64 {
	total := 0.0
	for _, sample := range samples {
		total += float64(sample)
	}
	mean, squares := total/float64(len(samples)), 0.0
	for _, sample := range samples {
		apart := float64(sample) - mean
		squares += apart * apart
	}
	deviation := math.Sqrt(squares / float64(len(samples)))
	if deviation <= math.Pow(10, lowest/20) {
		return lowest
	}
	return 20 * math.Log10(deviation)
}

// restStream tells how much of each frame is rest: 0 where somebody speaks, 1 where nobody does, and steps between them.
type restStream struct {
	ahead  int    // frames that a window reaches beyond its own
	quiet  int    // frames without speech at the end
	pushed int    // frames
	rests  []bool // of the last frames, at most fade
}

func newRestStream(spec AudioSpec) *restStream {
	return &restStream{ahead: spec.ahead(), quiet: shortestSilence - 1 - spec.ahead()} // before the first there is silence
}

// push takes whether somebody speaks in the next frame, and gives the share of the frame whose look ahead it completes,
// if there is one.
func (s *restStream) push(speaks bool) (share float64, ok bool) {
	s.quiet++
	if speaks {
		s.quiet = 0
	}
	s.pushed++
	if s.pushed <= s.ahead {
		return 0, false
	}
	rests := s.quiet >= shortestSilence
	if len(s.rests) == 0 {
		s.rests = []bool{rests, rests, rests}
	}
	s.rests = append(s.rests, rests)
	s.rests = s.rests[max(0, len(s.rests)-fade):]
	count := 0
	for _, one := range s.rests {
		if one {
			count++
		}
	}
	return float64(count) / fade, true
}

// rested is the window of a frame of which share is rest; window itself where that is 0.
func rested(window, rest []float32, share float64) []float32 {
	if share == 0 {
		return window
	}
	mixed, own, other := make([]float32, len(window)), float32(1-share), float32(share)
	for i := range mixed {
		// Converted, so that Go does not fuse the products with their sum, which would round differently.
		mixed[i] = float32(own*window[i]) + float32(other*rest[i])
	}
	return mixed
}
