// Package generator has the calls of SyncTalk_2D's Go port: a generator as one ONNX file and a template folder in, frames out.
// Only imports change:
//
//	gen, err := generator.NewFrameGenerator(generator.Config{ModelPath: "unet_328.onnx", Mode: "ave"})
//	...
//	defer gen.Close()
//	frames, err := gen.GenerateFramesFromSequence("May/full_body_img", "May/landmarks", features, 0)
//	...
//	err = gen.SaveFrames(frames, "frames", "frame")
//
// These calls hold all frames in memory, 3 bytes a pixel. Package avatar streams them, writes videos and hears audio.
package generator

import (
	"context"
	"slices"

	"framegen/go/avatar"
)

// Config says which generator is opened.
type Config struct {
	ModelPath string // the ONNX file
	Mode      string // ave, hubert, wenet, whisper or streaming; told by the file when empty

	OnnxRuntimePath string // ONNX Runtime's library; see ort.Open for where it is looked for when empty
	Threads         int    // frames that are made at once; as many as there are cores when 0
}

// FrameGenerator makes frames. It is safe for goroutines.
type FrameGenerator struct{ model *avatar.Model }

// Frame is one image, rows of BGR in Pixels; it stands where gocv.Mat does.
type Frame struct{ avatar.Frame }

// Rows is the height in pixels.
func (f *Frame) Rows() int { return f.Height }

// Cols is the width in pixels.
func (f *Frame) Cols() int { return f.Width }

// Close gives the image's memory back, after which nobody may look at it; it may be called more than once, or not at all.
// The error is always nil.
func (f *Frame) Close() error {
	f.Release()
	return nil
}

// NewFrameGenerator opens a generator. Errors are of type *avatar.Error.
func NewFrameGenerator(config Config) (*FrameGenerator, error) {
	options := []avatar.Option{avatar.WithRuntime(config.OnnxRuntimePath)}
	if config.Threads != 0 {
		options = append(options, avatar.WithThreads(config.Threads))
	}
	model, err := avatar.OpenModel(config.ModelPath, config.Mode, options...)
	if err != nil {
		return nil, err
	}
	return &FrameGenerator{model}, nil
}

// Close gives everything back; frames that were made stay.
func (g *FrameGenerator) Close() { g.model.Close() }

// LoadAudioFeatures reads a .npy file, or raw float32 values beside their description (.bin and .bin.json), of the
// generator's type: a row of values for each frame, one feature or a whole window of sixteen.
func (g *FrameGenerator) LoadAudioFeatures(path string) ([][]float32, error) {
	features, err := avatar.LoadFeatures(path, g.model.Spec())
	if err != nil {
		return nil, err
	}
	return slices.Collect(features.Rows()), nil
}

// GenerateFramesFromSequence makes a frame for each row of features, F values of one feature or 16 F of a whole window. It
// goes through the images of imgDir (0.jpg and so on), whose landmarks are in lmsDir (0.lms and so on), forth and back as
// SyncTalk_2D does, entered startFrame frames later.
func (g *FrameGenerator) GenerateFramesFromSequence(imgDir, lmsDir string, features [][]float32, startFrame int) ([]Frame, error) {
	values, err := avatar.NewFeatures(g.model.Spec(), features)
	if err != nil {
		return nil, err
	}
	person, err := g.model.Avatar(imgDir, lmsDir)
	if err != nil {
		return nil, err
	}
	defer person.Close()
	var frames []Frame
	for frame, err := range person.Frames(context.Background(), avatar.Audio{Values: values}, avatar.StartFrame(startFrame)) {
		if err != nil {
			return nil, err
		}
		frames = append(frames, Frame{frame})
	}
	return frames, nil
}

// SaveFrames writes frames as JPEG of quality 95: prefix_00000.jpg and so on. They appear when all are written.
func (g *FrameGenerator) SaveFrames(frames []Frame, dir, prefix string) error {
	plain := make([]avatar.Frame, len(frames))
	for i, frame := range frames {
		plain[i] = frame.Frame
	}
	return avatar.SaveFrames(plain, dir, prefix)
}
