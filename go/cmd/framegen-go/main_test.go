package main

import (
	"context"
	"os"
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
	text, err := run(t, "generate", "--avatar", tiny+"avatars/ave-160", "--features", tiny+"sounds/ave.npy", "--frames-dir", folder, "--frame-format", "jpg", "--threads", "1", "--cache-size", "1", "--blend", "reference", "--no-gate")
	if err != nil || !strings.Contains(text, "8 frames") {
		t.Errorf("%q, %v", text, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 8 {
		t.Errorf("%d frames, %v", len(entries), err)
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
	text, err := run(t, "benchmark", "--avatar", tiny+"avatars/ave-160", "--features", tiny+"sounds/ave.npy")
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
		{"generate", "--features", tiny + "sounds/ave.npy", "--frames-dir", "frames"},
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
