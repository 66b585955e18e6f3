package avatar

import (
	"context"
	"slices"
)

// Output says what is made of a speech: a video, a folder of frames, or both.
type Output struct {
	Video        string  // .mp4, .m4v, .mov, .mkv or .webm; may be empty
	FramesDir    string  // may be empty
	FrameFormat  string  // "png" or "jpg"; png where it is empty
	FPS          float64 // of the video; frames are repeated or left out where it is not the avatar's. 0 for the avatar's
	CRF          int     // quality, lower is better; negative for the codec's usual one
	Preset       string  // x264's name of how much time is taken for how small a file; superfast where it is empty
	NoProvenance bool    // do not say in the files that they are generated
	// Progress is called after each frame; it may be nil.
	Progress func(done, total int)
}

// Generate makes a video, images, or both, and gives the number of frames. Video and audio are of one length; audio is
// never cut. Nothing stands under its final name until it is complete.
func (a *Avatar) Generate(ctx context.Context, audio Audio, output Output, opts ...FrameOption) (int, error) {
	if output.Video == "" && output.FramesDir == "" {
		return 0, fail(BadOption, "", "nowhere to write to; give a video, a folder of frames or both")
	}
	if slices.Contains([]string{output.Video, output.FramesDir}, audio.Path) && audio.Path != "" {
		return 0, fail(BadOption, audio.Path, "is the audio and cannot be written; choose another output")
	}
	own := float64(a.FPS())
	fps := output.FPS
	if fps == 0 {
		fps = own
	}
	exact, err := exactRate(fps)
	if err != nil {
		return 0, err
	}
	chosen, err := a.frameOptions(opts)
	if err != nil {
		return 0, err
	}
	planned, err := a.plan(ctx, audio)
	if err != nil {
		return 0, err
	}
	// Of so many made frames, so many are written in all: the ratio of the rates, rounded up.
	over, under := exact.over, exact.under*a.FPS()
	inAll := func(rendered int) int { return (rendered*over + under - 1) / under }
	var sinks []frameSink
	defer func() {
		for _, sink := range sinks {
			sink.discard()
		}
	}()
	if output.FramesDir != "" {
		format := output.FrameFormat
		if format == "" {
			format = "png"
		}
		folder, err := newFrameFolder(output.FramesDir, framePrefix, format, !output.NoProvenance)
		if err != nil {
			return 0, err
		}
		sinks = append(sinks, folder)
	}
	if output.Video != "" {
		width, height := a.Size()
		preset := output.Preset
		if preset == "" {
			preset = defaultPreset
		}
		seconds := float64(inAll(planned.count)) * float64(exact.under) / float64(exact.over)
		video, err := newVideoWriter(ctx, output.Video, videoOptions{
			audio: audio.Path, rate: exact, seconds: seconds, crf: output.CRF, preset: preset, provenance: !output.NoProvenance,
			ffmpeg: a.options.ffmpeg, width: width, height: height,
		})
		if err != nil {
			return 0, err
		}
		sinks = append(sinks, video)
	}
	written := 0
	err = a.generate(ctx, planned, chosen.start, func(frame Frame) error {
		defer frame.Release()
		for ; written < inAll(frame.Index+1); written++ {
			for _, sink := range sinks {
				if err := sink.write(frame); err != nil {
					return err
				}
			}
		}
		if output.Progress != nil {
			output.Progress(frame.Index+1, planned.count)
		}
		return nil
	})
	for _, sink := range sinks {
		if err == nil {
			err = sink.finish()
		}
	}
	return written, err
}
