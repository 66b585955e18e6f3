package generator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framegen/go/generator"
)

const conformance = "../../conformance/"

// A generator, a template and features in memory; frames out.
func Example() {
	gen, err := generator.NewFrameGenerator(generator.Config{ModelPath: conformance + "plain/328-ave.onnx", Mode: "ave"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gen.Close()
	features, err := gen.LoadAudioFeatures(conformance + "audio/ave-windows.bin")
	if err != nil {
		fmt.Println(err)
		return
	}
	frames, err := gen.GenerateFramesFromSequence(conformance+"template/full_body_img", conformance+"template/landmarks", features, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(frames), "frames of", frames[0].Cols(), "x", frames[0].Rows())
	folder, err := os.MkdirTemp("", "frames")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	if err := gen.SaveFrames(frames, folder, "frame"); err != nil {
		fmt.Println(err)
	}
	for _, frame := range frames {
		frame.Close()
	}
	last, err := filepath.Glob(filepath.Join(folder, "frame_00002.jpg"))
	fmt.Println(len(last), err)
	// Output:
	// 3 frames of 131 x 97
	// 1 <nil>
}

func TestMistakes(t *testing.T) {
	if _, err := generator.NewFrameGenerator(generator.Config{ModelPath: "nowhere.onnx"}); err == nil {
		t.Error("there is no such model")
	}
	if _, err := generator.NewFrameGenerator(generator.Config{ModelPath: conformance + "plain/328-ave.onnx", Threads: -1}); err == nil {
		t.Error("there are no -1 threads")
	}
	gen, err := generator.NewFrameGenerator(generator.Config{ModelPath: conformance + "plain/160-hubert.onnx", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer gen.Close()
	feature := [][]float32{make([]float32, 2048)}
	images, landmarks := conformance+"template/full_body_img", conformance+"template/landmarks"
	for says, try := range map[string]func() error{
		"expected hubert features (N, 2, 1024)": func() error {
			_, err := gen.GenerateFramesFromSequence(images, landmarks, [][]float32{make([]float32, 512)}, 0)
			return err
		},
		"nowhere: no such folder": func() error {
			_, err := gen.GenerateFramesFromSequence(images, "nowhere", feature, 0)
			return err
		},
		"start frame 4 does not exist": func() error {
			_, err := gen.GenerateFramesFromSequence(images, landmarks, feature, 4)
			return err
		},
		"no such feature file": func() error {
			_, err := gen.LoadAudioFeatures("nowhere.bin")
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v; expected %q", err, says)
		}
	}
}
