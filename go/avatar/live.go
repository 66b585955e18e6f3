package avatar

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	framesAhead = 4  // frames that are made before anybody takes them, beside one for each worker
	mostWaiting = 30 // seconds of audio whose frames nobody has taken, at which Push waits
)

// Errors of a Live session's order of calls.
var (
	ErrFinished = errors.New("the speech is finished; interrupt it, or begin a new session")
	ErrSpeaking = errors.New("frames of the speech are still to come; take those, or interrupt it")
)

// Live is a person who speaks while the audio arrives: it is pushed, frames are taken, bit for bit those of a file of the
// same audio. Between speeches Idle gives frames of the mouth at rest. Any goroutine may push and another one take. Memory
// does not grow with the session's age.
type Live struct {
	a       *Avatar
	rest    []float32
	start   int
	taking  chan struct{} // held by who takes a frame
	lock    sync.Mutex    // of everything below
	changed chan struct{} // closed, and made anew, when something changes
	mixer   *mixer
	windows [][]float32 // that wait for a worker
	making  []*task
	pushed  int       // samples of the speech
	given   int       // frames of the speech
	first   int       // the session's number of the speech's first frame
	number  int       // of the next frame that is begun
	began   time.Time // when frame 0 of the speech was due
	ended   bool
	last    []float32   // the window of the last frame that was begun and may be given
	closing [][]float32 // windows of a mouth that closes after an interruption
}

// Live begins a session. Sessions of an avatar share its workers, which take the frame that is due first.
func (a *Avatar) Live(opts ...FrameOption) (*Live, error) {
	chosen, err := a.frameOptions(opts)
	if err != nil {
		return nil, err
	}
	if a.audio == nil {
		return nil, fail(BadOption, "", "this avatar has no audio program; live speech needs one")
	}
	rest, err := a.restWindow()
	if err != nil {
		return nil, err
	}
	l := &Live{a: a, rest: rest, start: chosen.start, taking: make(chan struct{}, 1), changed: make(chan struct{})}
	l.begin()
	return l, nil
}

// begin is called with the lock held.
func (l *Live) begin() {
	rest := l.rest
	if !l.a.gated() {
		rest = nil
	}
	l.mixer = newMixer(l.a, rest, -1, func(window []float32) error {
		l.windows = append(l.windows, window)
		return nil
	})
	l.mixer.stream = newWindowStream(l.a.audio)
	l.windows, l.making, l.pushed, l.given, l.ended, l.first = nil, nil, 0, 0, false, l.number
}

func (l *Live) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Push says mono samples at 16 kHz after what was pushed before; they are copied. It waits while more than 30 s of audio
// wait for their frames to be taken.
func (l *Live) Push(ctx context.Context, samples []float32) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	mixer := l.mixer
	for len(l.windows) > mostWaiting*l.a.FPS() {
		changed := l.changed
		l.lock.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		l.lock.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.mixer != mixer { // interrupted meanwhile: what was pushed before that is not said
			return nil
		}
	}
	if l.ended {
		return ErrFinished
	}
	if l.pushed == 0 {
		l.began = time.Now()
	}
	l.pushed += len(samples)
	if err := l.mixer.push(samples); err != nil {
		return err
	}
	l.submit()
	return nil
}

// Finish ends the speech: the frames that are missing follow, so that video and audio are of one length.
func (l *Live) Finish() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.ended {
		return ErrFinished
	}
	if l.pushed == 0 {
		return fail(BadAudio, "", "the audio holds no samples; give at least one")
	}
	l.ended = true
	l.mixer.count = frameCount(float64(l.pushed)/SampleRate, l.a.FPS())
	if err := l.mixer.finish(); err != nil && err != errEnough {
		return err
	}
	l.submit()
	l.announce()
	return nil
}

// submit gives the workers as many windows as may be made ahead.
func (l *Live) submit() {
	for len(l.windows) > 0 && len(l.making) < framesAhead+l.a.options.threads {
		due := l.began.Add(l.a.timeOf(l.number - l.first))
		l.making = append(l.making, l.task(l.windows[0], due))
		l.windows = l.windows[1:]
	}
	l.announce()
}

func (l *Live) task(window []float32, due time.Time) *task {
	index, first := l.number, l.first
	l.number++
	l.last = window
	one := newTask(due, func() (Frame, error) {
		frame, err := l.a.makeFrame(index, l.start, window)
		frame.Index, frame.Time = index-first, l.a.timeOf(index-first)
		return frame, err
	})
	l.a.livePool().submit(one)
	return one
}

// Next gives the speech's next frame, waiting for it, and io.EOF after Finish and the last one.
func (l *Live) Next(ctx context.Context) (Frame, error) {
	select {
	case l.taking <- struct{}{}:
		defer func() { <-l.taking }()
	case <-ctx.Done():
		return Frame{}, ctx.Err()
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	for {
		changed := l.changed
		if len(l.making) == 0 {
			if l.ended {
				return Frame{}, io.EOF
			}
			l.lock.Unlock()
			select {
			case <-changed:
			case <-ctx.Done():
			}
			l.lock.Lock()
			if err := ctx.Err(); err != nil {
				return Frame{}, err
			}
			continue
		}
		one := l.making[0]
		l.lock.Unlock()
		var outcome result
		select {
		case outcome = <-one.done:
		case <-one.dropped:
		case <-ctx.Done():
		}
		l.lock.Lock()
		select {
		case <-one.dropped: // by an interruption; others may follow
			continue
		default:
		}
		if outcome.err != nil || outcome.frame.Pixels != nil {
			l.making = l.making[1:]
			l.given++
			l.submit()
			return outcome.frame, outcome.err
		}
		return Frame{}, ctx.Err()
	}
}

// Interrupt says nothing more of what was pushed: frames that nobody has taken are dropped, and speech may begin anew. The
// mouth closes over the next frames of Idle. It gives how long the speech was whose frames were taken.
func (l *Live) Interrupt() time.Duration {
	l.lock.Lock()
	defer l.lock.Unlock()
	position := l.a.timeOf(l.given)
	spoke := l.given > 0
	l.number -= len(l.making) // the recording goes on from the last frame that was taken
	for _, one := range l.making {
		close(one.dropped)
	}
	l.begin()
	l.closing = nil
	if spoke && l.rest != nil && l.last != nil {
		for step := range fade {
			l.closing = append(l.closing, rested(l.last, l.rest, float64(step+1)/fade))
		}
	}
	l.announce()
	return position
}

// Idle gives the next frame of the mouth at rest; after Interrupt, as it closes. It fails with ErrSpeaking while frames of
// a speech are to come.
func (l *Live) Idle(ctx context.Context) (Frame, error) {
	l.lock.Lock()
	if l.pushed > 0 && !(l.ended && len(l.making) == 0) {
		l.lock.Unlock()
		return Frame{}, ErrSpeaking
	}
	if l.rest == nil {
		l.lock.Unlock()
		return Frame{}, fail(BadOption, "", "this avatar has no window of a mouth at rest; it cannot idle")
	}
	if l.ended { // the speech is over, and another one may begin
		l.begin()
	}
	window := l.rest
	if len(l.closing) > 0 {
		window, l.closing = l.closing[0], l.closing[1:]
	}
	one := l.task(window, time.Now())
	l.first = l.number
	l.lock.Unlock()
	select {
	case outcome := <-one.done:
		return outcome.frame, outcome.err
	case <-ctx.Done():
		return Frame{}, ctx.Err()
	}
}
