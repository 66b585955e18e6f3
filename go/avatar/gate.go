package avatar

import "math"

const (
	ahead  = Window - before - 1 // frames; a window's last feature is that of so much later a frame
	after  = 2                   // frames after speech in which the mouth comes to its end by itself
	fade   = 4                   // frames; from speech to rest and back
	lowest = -200.0              // dB; what digital silence is said to have
)

// Gate says when somebody speaks: from where the level rises above Speech until it falls below Silence, both in dB of full
// scale, of a frame's sound without its mean.
type Gate struct{ Silence, Speech float64 }

// DefaultGate is what the gate is unless it is told otherwise.
var DefaultGate = Gate{-45, -40}

// levelStream gives the level of each frame's sound, from sound in pieces.
type levelStream struct {
	size    int // samples of a frame
	pending []float32
}

func (s *levelStream) push(samples []float32) []float64 {
	s.pending = append(s.pending, samples...)
	var levels []float64
	at := 0
	for ; at+s.size <= len(s.pending); at += s.size {
		levels = append(levels, level(s.pending[at:at+s.size]))
	}
	s.pending = append(s.pending[:0], s.pending[at:]...)
	return levels
}

// flush gives the level of a last frame that the sound only begins, if there is one.
func (s *levelStream) flush() []float64 {
	if len(s.pending) == 0 {
		return nil
	}
	return []float64{level(s.pending)}
}

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
	gate   Gate
	speaks bool   // in the last frame
	quiet  int    // frames without speech at the end
	heard  int    // frames
	rests  []bool // of the last frames, at most fade
}

func newRestStream(gate Gate) *restStream { return &restStream{gate: gate, quiet: after} }

// push takes the next frame's level and gives the share of the frame whose look ahead it completes, if there is one.
func (s *restStream) push(level float64) (share float64, ok bool) {
	threshold := s.gate.Speech
	if s.speaks {
		threshold = s.gate.Silence
	}
	s.speaks = level >= threshold
	s.quiet++
	if s.speaks {
		s.quiet = 0
	}
	s.heard++
	if s.heard <= ahead {
		return 0, false
	}
	rests := s.quiet > after+ahead
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
