package avatar

import "math"

// featureStream gives the features of one audio, pushed piece by piece: the same bits however it is cut. It holds a few
// blocks of audio, however long that is.
type featureStream struct {
	program *audioProgram
	pending []float32 // samples from the first block that the next one hears on
	samples int       // pushed so far
	done    int       // blocks
}

func (s *featureStream) before() int { return min(s.done, s.program.spec.blocks.before) }

// push takes samples at 16 kHz and gives the features, F values each, that they complete.
func (s *featureStream) push(samples []float32) ([]float32, error) {
	for _, sample := range samples {
		if math.IsNaN(float64(sample)) || math.IsInf(float64(sample), 0) {
			return nil, fail(BadAudio, "", "samples that are not finite numbers; expected mono samples at 16 kHz")
		}
	}
	s.pending = append(s.pending, samples...)
	s.samples += len(samples)
	b := s.program.spec.blocks
	var features []float32
	for {
		needed := b.samples + b.step*s.before()
		if len(s.pending) < needed {
			return features, nil
		}
		completed, err := s.block(s.pending[:needed], b.features)
		if err != nil {
			return nil, err
		}
		features = append(features, completed...)
		if s.before() == b.before {
			s.pending = append(s.pending[:0], s.pending[b.step:]...)
		}
		s.done++
	}
}

// flush ends the audio and gives the features that are still missing.
func (s *featureStream) flush() ([]float32, error) {
	if s.samples == 0 {
		return nil, fail(BadAudio, "", "the audio holds no samples; give at least one")
	}
	b := s.program.spec.blocks
	features, err := s.block(s.pending, b.total(s.samples)-s.done*b.features)
	if err == nil && b.repeatsEnds {
		features = append(features, features[len(features)-s.program.spec.FeatureSize:]...)
	}
	return features, err
}

func (s *featureStream) block(samples []float32, count int) ([]float32, error) {
	b := s.program.spec.blocks
	features, err := s.program.features(samples, s.before()*b.features, count)
	if err == nil && b.repeatsEnds && s.done == 0 {
		features = append(append([]float32(nil), features[:s.program.spec.FeatureSize]...), features...)
	}
	return features, err
}

// windowStream gives the windows (16, F) of one audio, each as soon as its last feature is there.
type windowStream struct {
	stream  featureStream
	spec    AudioSpec
	pending []float32 // features from first on
	first   int
	frame   int // of the next window
}

func newWindowStream(program *audioProgram) *windowStream {
	return &windowStream{stream: featureStream{program: program}, spec: program.spec}
}

func (w *windowStream) push(samples []float32) ([][]float32, error) {
	features, err := w.stream.push(samples)
	if err != nil {
		return nil, err
	}
	return w.take(features), nil
}

// flush ends the audio: the windows that are missing to count in all, or to one for each feature where count is negative.
func (w *windowStream) flush(count int) ([][]float32, error) {
	given := w.frame
	features, err := w.stream.flush()
	if err != nil {
		return nil, err
	}
	windows := w.take(features)
	total := count
	if count < 0 {
		total = w.first + len(w.pending)/w.spec.FeatureSize
	}
	for index := w.frame; index < total; index++ {
		windows = append(windows, w.spec.featureWindow(w.pending, index-w.first))
	}
	return windows[:min(len(windows), max(total-given, 0))], nil
}

func (w *windowStream) take(features []float32) [][]float32 {
	w.pending = append(w.pending, features...)
	size := w.spec.FeatureSize
	complete := w.first + len(w.pending)/size - w.spec.ahead()
	var windows [][]float32
	for ; w.frame < complete; w.frame++ {
		windows = append(windows, w.spec.featureWindow(w.pending, w.frame-w.first))
	}
	if passed := min(max(w.frame-w.spec.before-w.first, 0), len(w.pending)/size); passed > 0 {
		w.pending = append(w.pending[:0], w.pending[passed*size:]...)
		w.first += passed
	}
	return windows
}

// featureWindow is what the generator sees for frame index, from the features values: from index - before to index + ahead,
// with zeros where there are none.
func (s AudioSpec) featureWindow(values []float32, index int) []float32 {
	size := s.FeatureSize
	window := make([]float32, Window*size)
	for row := range Window {
		if at := index - s.before + row; at >= 0 && (at+1)*size <= len(values) {
			copy(window[row*size:], values[at*size:(at+1)*size])
		}
	}
	return window
}
