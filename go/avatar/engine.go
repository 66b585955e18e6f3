package avatar

import (
	"context"
	"sync"
	"time"
)

// Frame is one image of a speech.
type Frame struct {
	Index         int           // from 0 on
	Time          time.Duration // from the beginning of the speech
	Width, Height int           // pixels
	// Pixels are rows of BGR, 3 bytes a pixel. They are the caller's, who may keep and change them; Release hands them back
	// for the next frames, after which nobody may look at them.
	Pixels  []byte
	release func([]byte)
}

// Release gives the frame's memory back. It is optional: what is not released is collected like all else.
func (f *Frame) Release() {
	if f.release != nil {
		f.release(f.Pixels)
		f.Pixels, f.release = nil, nil
	}
}

// buffers keeps the memory of a few frames for the next ones.
type buffers struct {
	size  int
	ready chan []byte
}

func newBuffers(t template, workers int) *buffers {
	width, height, _ := t.size()
	return &buffers{3 * width * height, make(chan []byte, 2*workers+2)}
}

func (b *buffers) take() []byte {
	select {
	case buffer := <-b.ready:
		return buffer
	default:
		return make([]byte, b.size)
	}
}

func (b *buffers) give(buffer []byte) {
	select {
	case b.ready <- buffer:
	default:
	}
}

// windowsAhead wait for workers while the next block of audio, of 10 windows at most, is made to windows.
const windowsAhead = 16

// job is a frame to be made, and where it goes.
type job struct {
	index  int
	window []float32
	done   chan result
}

type result struct {
	frame Frame
	err   error
}

// generate makes the frames of a speech in their order. As many as there are workers are made beside each other, and no
// more are begun than somebody takes.
func (a *Avatar) generate(ctx context.Context, speech *speech, start int, yield func(Frame) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := a.options.threads
	windows := make(chan []float32, windowsAhead)
	jobs := make(chan job)
	ordered := make(chan job, workers)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	var failed error
	group.Go(func() {
		defer close(windows)
		failed = speech.windows(ctx, func(window []float32) error {
			select {
			case windows <- window:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	group.Go(func() { // frames, in their order
		defer close(ordered)
		defer close(jobs)
		index := 0
		for window := range windows {
			next := job{index, window, make(chan result, 1)}
			index++
			for _, queue := range []chan job{ordered, jobs} {
				select {
				case queue <- next:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range workers {
		group.Go(func() {
			for next := range jobs {
				frame, err := a.makeFrame(next.index, start, next.window)
				next.done <- result{frame, err}
			}
		})
	}
	for next := range ordered {
		select {
		case outcome := <-next.done:
			if outcome.err != nil {
				return outcome.err
			}
			if err := yield(outcome.frame); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return failed // written before windows, and so ordered, was closed
}

// makeFrame is the whole way of a frame: template frame, crop, generator, paste.
func (a *Avatar) makeFrame(index, start int, window []float32) (Frame, error) {
	width, height, count := a.template.size()
	place := frameAt(index, start, count)
	image := a.buffers.take()
	keep, err := a.template.read(place, image)
	if err != nil {
		return Frame{}, err
	}
	box := a.template.box(place)
	crop := box.cut(image, width, height)
	state, release, err := a.states.encode(place, crop, box.Size)
	if err != nil {
		return Frame{}, err
	}
	defer release()
	patch, err := a.generator.render(state, window, crop, box.Size, keep, a.options.blend)
	if err != nil {
		return Frame{}, err
	}
	box.paste(image, patch, width, height)
	return Frame{index, a.timeOf(index), width, height, image, a.buffers.give}, nil
}

func (a *Avatar) timeOf(index int) time.Duration {
	return time.Duration(index) * time.Second / time.Duration(a.FPS())
}
