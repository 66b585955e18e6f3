package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"framegen/go/avatar"
)

// benchmark makes the frames, and the video where one is named, and says how fast that was.
func benchmark(ctx context.Context, arguments []string) error {
	began := time.Now()
	flags := newFlags("benchmark", "framegen-go benchmark --avatar may.avatar --audio speech.wav [-o video.mp4]")
	var p playing
	p.declare(flags)
	video := flags.String("o", "", "also encode this video; otherwise frames are made and dropped")
	if _, err := parse(flags, arguments); err != nil {
		return err
	}
	a, closing, err := p.open()
	if err != nil {
		return err
	}
	defer closing()
	opened := time.Since(began)
	var first time.Duration
	count := 0
	audio := avatar.Audio{Path: p.audio, Features: p.features}
	if *video != "" {
		progress := func(done, _ int) {
			if done == 1 {
				first = time.Since(began)
			}
		}
		if count, err = a.Generate(ctx, audio, avatar.Output{Video: *video, CRF: -1, Progress: progress}, avatar.StartFrame(p.start)); err != nil {
			return err
		}
	} else {
		for frame, err := range a.Frames(ctx, audio, avatar.StartFrame(p.start)) {
			if err != nil {
				return err
			}
			if frame.Index == 0 {
				first = time.Since(began)
			}
			frame.Release()
			count++
		}
	}
	took := time.Since(began)
	fmt.Printf("frames       %d\n", count)
	fmt.Printf("speed        %.1f fps from the program's start\n", float64(count)/took.Seconds())
	fmt.Printf("opened       after %.2f s\n", opened.Seconds())
	fmt.Printf("first frame  after %.2f s\n", first.Seconds())
	own, others := peak(syscall.RUSAGE_SELF), peak(syscall.RUSAGE_CHILDREN)
	fmt.Printf("peak memory  %d MB, and %d MB of ffmpeg\n", own>>20, others>>20)
	return nil
}
