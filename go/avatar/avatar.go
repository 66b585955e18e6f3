// Package avatar plays avatar packages: audio in, frames of a person who says it out.
//
// It is a host of the format that docs/avatar.md describes. ONNX Runtime runs the package's programs; this package
// decodes, cuts, pastes and encodes. From features, and from 16-bit WAV files at 16 kHz, its frames are those of the
// Python implementation to the bit.
//
//	a, err := avatar.Open("may.avatar")
//	...
//	defer a.Close()
//	for frame, err := range a.Frames(ctx, avatar.Audio{Path: "speech.wav"}) {
//		...
//	}
package avatar

import (
	"context"
	"iter"
	"math"
	"runtime"
	"slices"
	"sync"

	"framegen/ort"
)

// Avatar is a person who can speak. It is safe for goroutines; Close it when no frames are being made any more.
type Avatar struct {
	Package   *Package // nil where it was not opened from one
	audioSpec AudioSpec
	template  template
	generator generator
	audio     *audioProgram // nil where features come ready-made
	states    *faceStates
	buffers   *buffers
	rest      []float32 // (16, F) of the package; nil without
	options   options
	poolOnce  sync.Once
	pool      *pool // of live sessions
}

type options struct {
	blend   string
	gate    *Gate // nil for the package's
	silent  bool  // no gate
	threads int
	cache   int
	runtime string
	ffmpeg  string
}

// Option changes how an avatar is opened.
type Option func(*options)

// WithBlend chooses how faces are written back, Reference or Feathered; the package says it by default.
func WithBlend(blend string) Option { return func(o *options) { o.blend = blend } }

// WithGate says from which level of audio on somebody speaks; for a package of version 3 it follows from the room and the
// voice by default.
func WithGate(gate Gate) Option { return func(o *options) { o.gate = &gate } }

// WithoutGate lets the mouth move where nobody speaks.
func WithoutGate() Option { return func(o *options) { o.silent = true } }

// WithThreads says how many frames are made at once, each by one thread; as many as there are cores by default.
func WithThreads(threads int) Option { return func(o *options) { o.threads = threads } }

// WithCacheSize says how many bytes remembering faces may take, 48 MB by default. It changes nothing but speed.
func WithCacheSize(bytes int) Option { return func(o *options) { o.cache = bytes } }

// WithRuntime gives the path of ONNX Runtime's library; see ort.Open for where it is looked for otherwise. What the
// first avatar of a process opened stays.
func WithRuntime(path string) Option { return func(o *options) { o.runtime = path } }

// WithFFmpeg gives the ffmpeg binary, by default the one on the PATH.
func WithFFmpeg(path string) Option { return func(o *options) { o.ffmpeg = path } }

func newOptions(opts []Option) options {
	chosen := options{threads: runtime.GOMAXPROCS(0), cache: mostMemory}
	for _, option := range opts {
		option(&chosen)
	}
	return chosen
}

func (o *options) check() error {
	if o.threads < 1 {
		return fail(BadOption, "", "impossible number of threads %d; give 1 or more", o.threads)
	}
	if o.cache < 0 {
		return fail(BadOption, "", "impossible cache size %d; give a number of bytes", o.cache)
	}
	if g := o.gate; g != nil && !(lowest < g.Silence && g.Silence <= g.Speech && g.Speech <= 0) {
		return fail(BadOption, "", "silence below %g dB and speech above %g dB; expected the first to be the lower one,"+
			" and both between %g and 0", o.gate.Silence, o.gate.Speech, lowest)
	}
	if o.blend != "" && !slices.Contains(blends, o.blend) {
		return fail(BadOption, "", "blend %s is unknown; use reference or feathered", shown(o.blend))
	}
	return nil
}

// Open opens an avatar package, a folder or an .avatar file. The package is not trusted: see docs/avatar.md for what is
// refused. Errors are of type *Error.
func Open(path string, opts ...Option) (*Avatar, error) {
	options := newOptions(opts)
	if err := options.check(); err != nil {
		return nil, err
	}
	library := make(chan error, 1)
	go func() { library <- openRuntime(options.runtime) }() // takes as long as reading the programs
	opened, err := OpenPackage(path)
	if err != nil {
		return nil, err
	}
	if opened.Manifest.Version < blendsSince && options.blend == Feathered {
		return nil, fail(BadOption, path, "packed without the blend 'feathered'; pack it again or choose reference")
	}
	states, audio, err := openPrograms(opened, options.cache, library)
	if err != nil {
		return nil, err
	}
	if options.blend == "" {
		options.blend = opened.Manifest.Blend
	}
	a := &Avatar{
		Package: opened, audioSpec: opened.Manifest.Audio, template: packagedTemplate{opened},
		generator: states.generator, audio: audio, states: states, options: options,
	}
	a.buffers = newBuffers(a.template, options.threads)
	if a.rest, err = readRest(opened); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func openRuntime(path string) error {
	if err := ort.Open(path); err != nil {
		return &Error{Kind: NoRuntime, Reason: err.Error(), Cause: err}
	}
	return nil
}

// readRest gives the window (16, F) at which the mouth rests, where the package has one.
func readRest(p *Package) ([]float32, error) {
	if !p.Manifest.Rest {
		return nil, nil
	}
	data, err := p.Read(restFile)
	if err != nil {
		return nil, err
	}
	window := floats(data, 4)
	for _, v := range window {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, refused(p.Path, refuse(StageRest, "%s has values that are not finite numbers", restFile))
		}
	}
	return window, nil
}

func (a *Avatar) livePool() *pool {
	a.poolOnce.Do(func() { a.pool = newPool(a.options.threads) })
	return a.pool
}

// Close gives everything back.
func (a *Avatar) Close() {
	a.livePool().close()
	a.states.close()
	a.generator.close()
	if a.audio != nil {
		a.audio.session.Close()
	}
}

// FPS is how many frames a second of audio has.
func (a *Avatar) FPS() int { return a.audioSpec.FPS }

// Size of every frame in pixels.
func (a *Avatar) Size() (width, height int) {
	width, height, _ = a.template.size()
	return width, height
}

// listens says whether channels are joined by where their speakers stand, and the gate hears a voice at any level.
func (a *Avatar) listens() bool {
	return a.Package == nil || a.Package.Manifest.Version >= listensSince
}

func (a *Avatar) detector() speechDetector {
	switch {
	case a.options.gate != nil:
		return a.options.gate.detector()
	case a.listens():
		return relativeDetector()
	}
	return FixedGate.detector()
}

func (a *Avatar) gated() bool { return !a.options.silent && a.options.blend != Reference }

// restWindow is the window at which the mouth rests: the package's, or that of digital silence where it has none.
func (a *Avatar) restWindow() ([]float32, error) {
	if a.rest != nil || a.audio == nil || !a.gated() {
		return a.rest, nil
	}
	stream := featureStream{program: a.audio}
	features, err := stream.push(make([]float32, 3*Window*SampleRate/a.FPS()))
	if err != nil {
		return nil, err
	}
	end, err := stream.flush()
	if err != nil {
		return nil, err
	}
	return a.audioSpec.featureWindow(append(features, end...), Window+a.audioSpec.before), nil
}

// FrameOption changes which frames come.
type FrameOption func(*frameOptions)

type frameOptions struct{ start int }

// StartFrame enters the recording so many frames later.
func StartFrame(frame int) FrameOption { return func(o *frameOptions) { o.start = frame } }

func (a *Avatar) frameOptions(opts []FrameOption) (frameOptions, error) {
	chosen := frameOptions{}
	for _, option := range opts {
		option(&chosen)
	}
	if _, _, count := a.template.size(); chosen.start < 0 || chosen.start >= count {
		return chosen, fail(BadOption, "", "start frame %d does not exist; the avatar has frames 0 to %d", chosen.start, count-1)
	}
	return chosen, nil
}

// Frames gives the frames of what is said one by one, as they are made; the iteration ends with the first error. Memory
// does not grow with the audio. Breaking out of the loop, or the end of ctx, ends the work.
func (a *Avatar) Frames(ctx context.Context, audio Audio, opts ...FrameOption) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		if err := a.frames(ctx, audio, opts, func(frame Frame) error {
			if !yield(frame, nil) {
				return errEnough
			}
			return nil
		}); err != nil && err != errEnough {
			yield(Frame{}, err)
		}
	}
}

func (a *Avatar) frames(ctx context.Context, audio Audio, opts []FrameOption, yield func(Frame) error) error {
	chosen, err := a.frameOptions(opts)
	if err != nil {
		return err
	}
	planned, err := a.plan(ctx, audio)
	if err != nil {
		return err
	}
	return a.generate(ctx, planned, chosen.start, yield)
}
