package avatar

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
)

func samplesOf(t *testing.T, name string) []float32 {
	t.Helper()
	var samples []float32
	must(t, decodeAudio(context.Background(), audioInfo(t, name, 3), "", func(piece []float32) error {
		samples = append(samples, piece...)
		return nil
	}))
	return samples
}

func wholeSpeech(t *testing.T, a *Avatar, name string) [][]byte {
	t.Helper()
	var frames [][]byte
	for frame, err := range a.Frames(context.Background(), Audio{Path: at(name)}) {
		must(t, err)
		frames = append(frames, frame.Pixels)
	}
	return frames
}

func TestLiveFramesAreThoseOfTheFile(t *testing.T) {
	for _, name := range []string{"ave-160", "streaming-160"} {
		t.Run(name, func(t *testing.T) { liveFramesAreThoseOfTheFile(t, openAvatar(t, at("avatars/"+name))) })
	}
}

func liveFramesAreThoseOfTheFile(t *testing.T, a *Avatar) {
	ctx := context.Background()
	expected, samples := wholeSpeech(t, a, "audio/syllables.wav"), samplesOf(t, "audio/syllables.wav")
	var group sync.WaitGroup
	for _, size := range []int{160, 999, len(samples)} { // three sessions share the workers
		group.Go(func() {
			session, err := a.Live()
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				for piece := range slices.Chunk(samples, size) {
					if err := session.Push(ctx, piece); err != nil {
						t.Error(err)
					}
				}
				if err := session.Finish(); err != nil {
					t.Error(err)
				}
			}()
			for i := 0; ; i++ {
				frame, err := session.Next(ctx)
				if err == io.EOF && i == len(expected) {
					return
				}
				if err != nil || i >= len(expected) || frame.Index != i || !bytes.Equal(frame.Pixels, expected[i]) {
					t.Errorf("pieces of %d samples: frame %d differs, %v", size, i, err)
					return
				}
				frame.Release()
			}
		})
	}
	group.Wait()
}

func TestWindowsOfStreamingFeaturesComeWithTheLastOfTheirSamples(t *testing.T) {
	samples := samplesOf(t, "audio/syllables.wav")
	stream := newWindowStream(openAudioProgram(t, at("avatars/streaming-160/programs/audio.onnx"), "streaming"))
	pushed := 0
	for frame := range 20 {
		needed := 640*frame + 3200
		early, err := stream.push(samples[pushed : needed-1])
		must(t, err)
		windows, err := stream.push(samples[needed-1 : needed])
		must(t, err)
		if len(early) != 0 || len(windows) != 1 {
			t.Fatalf("frame %d: %d windows before its last sample and %d with it", frame, len(early), len(windows))
		}
		pushed = needed
	}
}

func TestInterruptedSpeechIdlesAndBeginsAnew(t *testing.T) {
	a, ctx := speaker(t), context.Background()
	samples := samplesOf(t, "audio/syllables.wav")
	session, err := a.Live()
	must(t, err)
	must(t, session.Push(ctx, samples))
	for range 5 {
		_, err := session.Next(ctx)
		must(t, err)
	}
	if _, err := session.Idle(ctx); !errors.Is(err, ErrSpeaking) {
		t.Errorf("idle while speaking: %v", err)
	}
	if position := session.Interrupt(); position != a.timeOf(5) {
		t.Errorf("interrupted after %v", position)
	}
	var idle []Frame
	for range 6 {
		frame, err := session.Idle(ctx)
		must(t, err)
		idle = append(idle, frame)
	}
	// Frames 5 to 10 of the session show the template's frames 0, 1, 2, 3, 2, 1; of those the last ones are at rest.
	resting, err := a.makeFrame(10, 0, session.rest)
	must(t, err)
	if !bytes.Equal(idle[5].Pixels, resting.Pixels) {
		t.Error("the mouth is not at rest")
	}
	if closing, err := a.makeFrame(5, 0, session.rest); err != nil || bytes.Equal(idle[0].Pixels, closing.Pixels) {
		t.Error("the mouth closes at once")
	}
	must(t, session.Push(ctx, samples[:8000]))
	must(t, session.Finish())
	count := 0
	for {
		frame, err := session.Next(ctx)
		if err == io.EOF {
			break
		}
		must(t, err)
		if frame.Index != count {
			t.Errorf("frame %d is numbered %d", count, frame.Index)
		}
		count++
	}
	if count != 12 { // half a second, to even
		t.Errorf("%d frames", count)
	}
	if err := session.Push(ctx, samples); !errors.Is(err, ErrFinished) {
		t.Errorf("pushed after the end: %v", err)
	}
	if _, err := session.Idle(ctx); err != nil {
		t.Error(err)
	}
}

func TestLiveSessionsCanBeLeft(t *testing.T) {
	a := speaker(t)
	session, err := a.Live()
	must(t, err)
	if err := session.Finish(); err == nil {
		t.Error("a speech of nothing ended well")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := session.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	noAudio := openAvatar(t, at("avatars/ave-328"))
	if _, err := noAudio.Live(); err == nil {
		t.Error("live without an audio program")
	}
}
