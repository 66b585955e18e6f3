package avatar

import (
	"context"
	"math"
)

// Audio says what is to be said: an audio file, features, or both.
type Audio struct {
	// Path of any audio that ffmpeg reads; 16-bit WAV files at 16 kHz need no ffmpeg. May be empty where there are features.
	Path string
	// Features is a file (.npy, or .bin beside its .bin.json); the avatar's audio program computes them where it is empty.
	Features string
	// Values are features in memory, in place of a file.
	Values *Features
}

// speech is what is said, checked: how many frames, and the windows for them.
type speech struct {
	count int
	// windows gives (16, F) for frames 0 to count - 1.
	windows func(ctx context.Context, yield func([]float32) error) error
}

// plan checks features and audio completely and settles the number of frames.
func (a *Avatar) plan(ctx context.Context, audio Audio) (*speech, error) {
	if audio.Path == "" && audio.Features == "" && audio.Values == nil {
		return nil, fail(BadOption, "", "nothing to say; give audio, audio features or both")
	}
	features := audio.Values
	var info AudioInfo
	lasts := 0.0
	if audio.Features != "" && features != nil {
		return nil, fail(BadOption, audio.Features, "features are given twice, as a file and as values; give one of them")
	}
	if audio.Features != "" {
		found, err := LoadFeatures(audio.Features, a.audioSpec)
		if err != nil {
			return nil, err
		}
		features = found
	}
	if features != nil {
		if features.Spec.Name != a.audioSpec.Name {
			return nil, fail(BadFeatures, "", "features of type %s; this avatar takes %s", features.Spec.Name, a.audioSpec.Name)
		}
		lasts = float64(features.Len()) / float64(a.FPS())
	} else if a.audio == nil {
		return nil, fail(BadOption, audio.Path, "its features are needed and the avatar has no audio program; give a feature file")
	}
	if audio.Path != "" {
		found, err := probeAudio(ctx, audio.Path, a.options.ffmpeg, !a.listens())
		if err != nil {
			return nil, err
		}
		info, lasts = found, max(lasts, found.Duration())
	}
	planned := &speech{count: frameCount(lasts, a.FPS())}
	rest, err := a.restWindow()
	if err != nil {
		return nil, err
	}
	if audio.Path == "" || !a.gated() {
		rest = nil
	}
	planned.windows = func(ctx context.Context, yield func([]float32) error) error {
		return a.windows(ctx, planned.count, features, info, rest, yield)
	}
	return planned, nil
}

// frameCount is how many frames so much audio has: as long as it, to within half a frame, and at least one.
func frameCount(seconds float64, fps int) int {
	return max(1, int(math.RoundToEven(float64(seconds*float64(fps)))))
}

// errEnough ends the decoding of audio of which no more is needed.
var errEnough = fail(BadAudio, "", "enough")

// windows gives the windows of count frames. Levels and windows wait for each other: a window's last feature and a frame's
// share of rest need about the same audio.
func (a *Avatar) windows(ctx context.Context, count int, features *Features, info AudioInfo, rest []float32, yield func([]float32) error) error {
	m := newMixer(a, rest, count, yield)
	if features != nil {
		m.features = features
	} else {
		m.stream = newWindowStream(a.audio)
	}
	var err error
	if info.Path != "" && (m.stream != nil || rest != nil) {
		err = decodeAudio(ctx, info, a.options.ffmpeg, m.push)
	}
	if err == nil {
		err = m.finish()
	}
	if err == errEnough {
		return nil
	}
	return err
}

// mixer joins windows and shares of rest into the windows that the generator is given.
type mixer struct {
	stream   *windowStream // of the audio, or nil where there are
	features *Features
	frames   *frameSplitter // nil without rest
	speaks   speechDetector
	shares   *restStream
	rest     []float32
	windows  [][]float32 // that wait for their share
	waiting  []float64   // shares that wait for their window
	count    int         // frames in all; negative while nobody knows
	given    int
	yield    func([]float32) error
}

func newMixer(a *Avatar, rest []float32, count int, yield func([]float32) error) *mixer {
	m := &mixer{rest: rest, count: count, yield: yield}
	if rest != nil {
		m.frames, m.speaks, m.shares = &frameSplitter{size: SampleRate / a.FPS()}, a.detector(), newRestStream(a.audioSpec)
	}
	return m
}

func (m *mixer) push(samples []float32) error {
	if m.frames != nil {
		m.frames.push(samples, m.detect)
	}
	if m.stream != nil {
		windows, err := m.stream.push(samples)
		if err != nil {
			return err
		}
		m.windows = append(m.windows, windows...)
	}
	return m.give()
}

func (m *mixer) detect(samples []float32) { m.share(m.speaks(samples)) }

func (m *mixer) share(speaks bool) {
	if share, ok := m.shares.push(speaks); ok {
		m.waiting = append(m.waiting, share)
	}
}

// finish ends the audio: what is missing to count frames.
func (m *mixer) finish() error {
	if m.frames != nil {
		m.frames.flush(m.detect)
	}
	if m.stream != nil {
		windows, err := m.stream.flush(m.count)
		if err != nil {
			return err
		}
		m.windows = append(m.windows, windows...)
		if m.count < 0 {
			m.count = m.given + len(m.windows)
		}
	}
	for m.given < m.count {
		if m.frames != nil && len(m.waiting) == 0 {
			m.share(false) // beyond the audio nobody speaks
			continue
		}
		if err := m.give(); err != nil {
			return err
		}
	}
	return errEnough
}

// give hands on every window whose share is there.
func (m *mixer) give() error {
	for m.frames == nil || len(m.waiting) > 0 {
		var window []float32
		switch {
		case m.features != nil:
			window = m.features.window(m.given)
		case len(m.windows) > 0:
			window, m.windows = m.windows[0], m.windows[1:]
		default:
			return nil
		}
		if m.frames != nil {
			window = rested(window, m.rest, m.waiting[0])
			m.waiting = m.waiting[1:]
		}
		if err := m.yield(window); err != nil {
			return err
		}
		if m.given++; m.given == m.count {
			return errEnough
		}
	}
	return nil
}
