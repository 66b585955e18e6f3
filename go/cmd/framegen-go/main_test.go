package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const tiny = "../../../conformance/"

// printed is what f writes to the standard output.
func printed(t *testing.T, f func() error) (string, error) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	kept := os.Stdout
	os.Stdout = write
	failed := f()
	os.Stdout = kept
	write.Close()
	data := make([]byte, 1<<16)
	count, _ := read.Read(data)
	return string(data[:count]), failed
}

func run(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	return printed(t, func() error { return commands[arguments[0]](context.Background(), arguments[1:]) })
}

func TestGenerateWritesFrames(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "frames")
	text, err := run(t, "generate", "--avatar", tiny+"avatars/ave-160", "--features", tiny+"audio/ave.npy", "--frames-dir", folder, "--frame-format", "jpg", "--threads", "1", "--cache-size", "1", "--blend", "reference", "--no-gate")
	if err != nil || !strings.Contains(text, "8 frames") {
		t.Errorf("%q, %v", text, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 8 {
		t.Errorf("%d frames, %v", len(entries), err)
	}
}

// model are the options of a model, a template and features.
func model(more ...string) []string {
	return append([]string{"generate", "--model", tiny + "plain/328-ave.onnx", "--template", tiny + "template", "--audio", tiny + "audio/ave-windows.bin"}, more...)
}

func TestGenerateWithAModel(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "frames")
	text, err := run(t, model("--output", folder, "--mode", "ave", "--start", "1")...)
	if err != nil || !strings.Contains(text, "3 frames") {
		t.Errorf("%q, %v", text, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 3 || entries[2].Name() != "frame_00002.jpg" {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestGenerateAVideoWithAModel(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	video := filepath.Join(folder, "result.mp4")
	text, err := run(t, model("--output", filepath.Join(folder, "frames"), "--video", "--video-path", video, "--audio-file", tiny+"audio/short.wav", "--fps", "50")...)
	if err != nil || !strings.Contains(text, "6 frames") {
		t.Errorf("%q, %v", text, err)
	}
	if found, err := os.Stat(video); err != nil || found.Size() == 0 {
		t.Error(err)
	}
}

func TestMistakesWithAModel(t *testing.T) {
	nan := filepath.Join(t.TempDir(), "nan.bin")
	values := bytes.Repeat([]byte{0xff}, 2048)
	if err := os.WriteFile(nan, values, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(nan+".json", []byte(`{"num_frames": 1, "feature_size": 512, "shape": [1, 512]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, arguments := range map[string][]string{
		"--model, --template and -o do not go together":       model("-o", "a.mp4"),
		"--model, --template and --avatar do not go together": model("--avatar", "may.avatar"),
		"--start-frame do not go together":                    model("--start-frame", "1"),
		"a model needs":                                       {"generate", "--model", "a.onnx", "--audio", "aud.bin"},
		"and --features do not go together":                   {"generate", "--template", "May", "--features", "aud.bin"},
		"--video needs --audio-file":                          model("--video"),
		"are for videos; add --video":                         model("--video-path", "a.mp4"),
		"for ave features, not":                               model("--mode", "hubert"),
		"start frame 4 does not exist":                        model("--start", "4"),
		"start frame -1 does not exist":                       model("--start", "-1"),
		"nowhere.bin: no such feature file":                   model("--audio", "nowhere.bin"),
		"nan.bin: holds values that are not finite":           model("--audio", nan),
		"expected ave features (N, 512)":                      model("--audio", tiny+"audio/hubert.bin"),
		"unknown kind of feature file":                        model("--audio", tiny+"audio/short.wav"),
		"full_body_img: no such folder":                       model("--template", t.TempDir()),
		"no such file; give an audio file":                    model("--video", "--audio-file", "nowhere.wav", "--output", t.TempDir()),
		"face.onnx: no generator":                             model("--model", tiny+"avatars/ave-160/programs/face.onnx"),
	} {
		if _, err := run(t, arguments...); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v; expected %q", arguments, err, says)
		}
	}
}

func TestInfoAndVerify(t *testing.T) {
	t.Setenv(avatarVariable, tiny+"avatars/wenet-160")
	for _, arguments := range [][]string{{"info"}, {"info", tiny + "avatars/wenet-160"}} {
		text, err := run(t, arguments...)
		if err != nil || !strings.Contains(text, "160-wenet-width2") || !strings.Contains(text, "20 a second") {
			t.Errorf("%q, %v", text, err)
		}
	}
	text, err := run(t, "verify")
	if err != nil || !strings.Contains(text, "4 frames of 117x95 pixels") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestBenchmarkCountsFrames(t *testing.T) {
	text, err := run(t, "benchmark", "--avatar", tiny+"avatars/ave-160", "--features", tiny+"audio/ave.npy")
	if err != nil || !strings.Contains(text, "frames       8\n") || !strings.Contains(text, "peak memory") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	t.Setenv(avatarVariable, "")
	for _, arguments := range [][]string{
		{"generate", "--colour", "red"},
		{"generate", "speech.wav"},
		{"generate", "--threads", "-1", "--avatar", tiny + "avatars/ave-160"},
		{"generate", "--features", tiny + "audio/ave.npy", "--frames-dir", "frames"},
		{"info", "a", "b"},
		{"verify", "nowhere.avatar"},
	} {
		if _, err := run(t, arguments...); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}

func TestHelpHasAnExample(t *testing.T) {
	for name := range commands {
		text, err := run(t, name, "--help")
		if err == nil || !strings.Contains(text, "framegen-go "+name+" ") {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}
