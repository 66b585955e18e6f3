package avatar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func speaker(t *testing.T, opts ...Option) *Avatar {
	return openAvatar(t, at("avatars/ave-160"), opts...)
}

// probed is what ffprobe says of the first stream of a kind.
func probed(t *testing.T, path, stream, entry string) string {
	t.Helper()
	output, err := exec.Command("ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "stream="+entry, "-of", "json", path).Output()
	must(t, err)
	var found struct{ Streams []map[string]any }
	must(t, json.Unmarshal(output, &found))
	if len(found.Streams) != 1 {
		t.Fatalf("%s has %d streams %s", path, len(found.Streams), stream)
	}
	switch value := found.Streams[0][entry].(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64)
	}
	return ""
}

func TestVideoAndItsFrames(t *testing.T) {
	needFFmpeg(t)
	folder := t.TempDir()
	video, frames := filepath.Join(folder, "talk.mp4"), filepath.Join(folder, "frames")
	must(t, os.Mkdir(frames, 0o777))
	for _, name := range []string{"frame_00000.jpg", "frame_00068.png", "other.png"} {
		must(t, os.WriteFile(filepath.Join(frames, name), nil, 0o600))
	}
	a := speaker(t)
	count, err := a.Generate(context.Background(), Audio{Path: at("audio/syllables.wav")}, Output{Video: video, FramesDir: frames, CRF: -1})
	must(t, err)
	if count != 68 {
		t.Errorf("%d frames; expected 68", count)
	}
	if got := probed(t, video, "v", "nb_frames"); got != "68" {
		t.Errorf("the video has %s frames", got)
	}
	if got := probed(t, video, "v", "width"); got != "132" { // 131, made even
		t.Errorf("the video is %s wide", got)
	}
	if got := probed(t, video, "v", "color_space"); got != "bt709" {
		t.Errorf("the video's colours are %q", got)
	}
	duration, err := strconv.ParseFloat(probed(t, video, "a", "duration"), 64)
	if must(t, err); duration < 2.71 || duration > 2.76 {
		t.Errorf("the audio lasts %v s; expected 2.72", duration)
	}
	data, err := os.ReadFile(video)
	if must(t, err); !bytes.Contains(data, []byte(sourceType)) {
		t.Error("the video does not say that it is generated")
	}
	entries, err := os.ReadDir(frames)
	must(t, err)
	if len(entries) != 69 {
		t.Errorf("%d entries in the folder; expected 68 frames and the other image", len(entries))
	}
	data, err = os.ReadFile(filepath.Join(frames, "frame_00067.png"))
	must(t, err)
	image := make([]byte, 3*131*97)
	must(t, decodeImage(data, "frame", "png", 131, 97, image))
	if !bytes.Contains(data, []byte(sourceType)) {
		t.Error("the image does not say that it is generated")
	}
}

func TestOtherRateContainersAndImages(t *testing.T) {
	needFFmpeg(t)
	folder := t.TempDir()
	a := speaker(t)
	for _, name := range []string{"talk.mov", "talk.mkv"} {
		path := filepath.Join(folder, name)
		count, err := a.Generate(context.Background(), Audio{Features: at("audio/ave.npy")}, Output{Video: path, FPS: 60, CRF: 30})
		must(t, err)
		if count != 20 { // 8 frames of 1/25 s are 19.2 of 1/60
			t.Errorf("%s: %d frames; expected 20", name, count)
		}
		data, err := os.ReadFile(path)
		if must(t, err); !bytes.Contains(data, []byte(sourceType)) {
			t.Errorf("%s does not say that it is generated", name)
		}
	}
	_, err := a.Generate(context.Background(), Audio{Features: at("audio/ave.npy")}, Output{FramesDir: folder, FrameFormat: "jpg", NoProvenance: true})
	must(t, err)
	data, err := os.ReadFile(filepath.Join(folder, "frame_00007.jpg"))
	must(t, err)
	must(t, decodeImage(data, "frame", "jpg", 131, 97, make([]byte, 3*131*97)))
	if bytes.Contains(data, []byte(sourceType)) {
		t.Error("the image says what it was not asked to say")
	}
}

func TestFramesDoNotDependOnThreadsAndCache(t *testing.T) {
	var kept []byte
	for _, opts := range [][]Option{{WithThreads(1), WithCacheSize(0)}, {WithThreads(3)}, {WithThreads(2), WithCacheSize(1 << 20)}} {
		var all []byte
		for frame, err := range speaker(t, opts...).Frames(context.Background(), Audio{Path: at("audio/syllables.wav")}) {
			must(t, err)
			all = append(all, frame.Pixels...)
			frame.Release()
		}
		if kept == nil {
			kept = all
		}
		if !bytes.Equal(kept, all) {
			t.Error("the frames differ")
		}
	}
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	broken, playlist := filepath.Join(folder, "broken.wav"), filepath.Join(folder, "speech.wav")
	must(t, os.WriteFile(broken, []byte("RIFF....no audio"), 0o600))
	secret, err := filepath.Abs(at("audio/syllables.wav"))
	must(t, err)
	must(t, os.WriteFile(playlist, []byte("ffconcat version 1.0\nfile "+secret+"\n"), 0o600))
	a, noAudio := speaker(t), openAvatar(t, at("avatars/ave-328"))
	features := Audio{Features: at("audio/ave.npy")}
	run := func(a *Avatar, audio Audio, output Output, opts ...FrameOption) error {
		_, err := a.Generate(context.Background(), audio, output, opts...)
		return err
	}
	frames := Output{FramesDir: filepath.Join(folder, "frames")}
	for name, c := range map[string]struct {
		err  error
		kind Kind
		says string
	}{
		"nothing to say":     {run(a, Audio{}, frames), BadOption, "nothing to say"},
		"nowhere":            {run(a, features, Output{}), BadOption, "nowhere"},
		"no such audio":      {run(a, Audio{Path: "nowhere.wav"}, frames), MissingFile, "nowhere.wav"},
		"no audio program":   {run(noAudio, Audio{Path: at("audio/short.wav")}, frames), BadOption, "no audio program"},
		"other features":     {run(a, Audio{Features: at("audio/hubert.bin")}, frames), BadFeatures, "expected ave features (N, 512)"},
		"no such frame":      {run(a, features, frames, StartFrame(4)), BadOption, "frames 0 to 3"},
		"unknown format":     {run(a, features, Output{FramesDir: folder, FrameFormat: "gif"}), BadOption, "gif"},
		"impossible rate":    {run(a, features, Output{FramesDir: folder, FPS: 1000}), BadOption, "frame rate"},
		"unknown suffix":     {run(a, features, Output{Video: filepath.Join(folder, "a.avi")}), BadOutput, "a.avi"},
		"broken audio":       {run(a, Audio{Path: broken}, frames), BadAudio, "broken.wav"},
		"playlist":           {run(a, Audio{Path: playlist}, frames), BadAudio, "speech.wav"},
		"ffmpeg that is not": {run(openAvatar(t, at("avatars/ave-160"), WithFFmpeg("/nowhere/ffmpeg")), features, Output{Video: filepath.Join(folder, "a.mp4"), CRF: -1}), MissingFile, "ffmpeg is needed"},
		"the audio as video": {run(a, Audio{Path: broken}, Output{Video: broken}), BadOption, "is the audio"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "playlist") || strings.Contains(name, "broken") {
				needFFmpeg(t)
			}
			var known *Error
			if !errors.As(c.err, &known) || known.Kind != c.kind || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("got %v", c.err)
			}
		})
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	for _, entry := range entries {
		if strings.Contains(entry.Name(), "mp4") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

func TestCancelledWorkEndsAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	frames := filepath.Join(t.TempDir(), "frames")
	progress := func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}
	_, err := speaker(t).Generate(ctx, Audio{Path: at("audio/syllables.wav")}, Output{FramesDir: frames, Progress: progress})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(frames)
	if must(t, err); len(entries) != 0 {
		t.Errorf("%d entries were left behind", len(entries))
	}
}

func TestFrameCounts(t *testing.T) {
	for seconds, wanted := range map[float64]int{0.001: 1, 0.1: 2, 0.14: 4, 2.3: 57, 2.7131: 68} {
		if got := frameCount(seconds, 25); got != wanted {
			t.Errorf("%v s are %d frames; expected %d", seconds, got, wanted)
		}
	}
}
