package avatar

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framegen/ort"
)

const conformance = "../../conformance"

type conformanceCases struct {
	Features []struct {
		Name, Avatar, Program, Audio, Type, Expected string
		Shape                                        []int
		Tolerance                                    float64
	}
	Gate []struct {
		Name, Audio, Type string
		Version           int
		Shares            []float64
		Tolerance         float64
	}
	Samples []struct {
		Name, Audio, Expected string
		Version               int
		Tolerance             float64
	} `json:"downmix"`
	Windows []struct {
		Name, Avatar, Features, Audio, Expected string
		Count                                   int
		Frames                                  []int
		Tolerance                               float64
	}
	Frames, Plain []frameCase
}

// frameCase is of an avatar, or of a model with a template.
type frameCase struct {
	Name, Avatar, Model, Template, Mode, Features, Audio, Blend string
	Start                                                       int `json:"start_frame"`
	Count                                                       int
	Frames                                                      map[int]string
	Tolerance                                                   struct {
		Levels    int
		Far, PSNR float64
	}
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(conformance, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func cases(t *testing.T) conformanceCases {
	t.Helper()
	var found conformanceCases
	readJSON(t, "cases.json", &found)
	return found
}

// at is a path of the cases; empty stays empty.
func at(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Join(conformance, path)
}

func readFloatFile(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(at(path))
	if err != nil {
		t.Fatal(err)
	}
	return floats(data, 4)
}

// near fails unless both have as many values, none more than tolerance apart.
func near(t *testing.T, found, expected []float32, tolerance float64) {
	t.Helper()
	if len(found) != len(expected) {
		t.Fatalf("%d values; expected %d", len(found), len(expected))
	}
	for i := range found {
		if apart := math.Abs(float64(found[i]) - float64(expected[i])); !(apart <= tolerance) {
			t.Fatalf("value %d is %v; expected %v", i, found[i], expected[i])
		}
	}
}

func openAvatar(t *testing.T, path string, opts ...Option) *Avatar {
	t.Helper()
	a, err := Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func audioInfo(t *testing.T, path string, version int) AudioInfo {
	t.Helper()
	if strings.Contains(path, "stereo") {
		needFFmpeg(t)
	}
	info, err := probeAudio(context.Background(), at(path), "", version < listensSince)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := findFFmpeg(""); err != nil {
		t.Skip(err)
	}
}

func TestConformanceOfFeatures(t *testing.T) {
	for _, c := range cases(t).Features {
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join(at(c.Avatar), "programs", "audio.onnx")
			if c.Program != "" {
				path = filepath.Join(conformance, "..", c.Program)
			}
			program := openAudioProgram(t, path, c.Type)
			stream := featureStream{program: program}
			var features []float32
			err := decodeAudio(context.Background(), audioInfo(t, c.Audio, 3), "", func(samples []float32) error {
				completed, err := stream.push(samples)
				features = append(features, completed...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			end, err := stream.flush()
			if err != nil {
				t.Fatal(err)
			}
			near(t, append(features, end...), readFloatFile(t, c.Expected), c.Tolerance)
		})
	}
}

func openAudioProgram(t *testing.T, path, name string) *audioProgram {
	t.Helper()
	if err := openRuntime(""); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	session, err := ort.NewSession(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return &audioProgram{session, audioSpecOf(t, name)}
}

func audioSpecOf(t *testing.T, name string) AudioSpec {
	t.Helper()
	for _, spec := range audioSpecs {
		if spec.Name == name {
			return spec
		}
	}
	t.Fatalf("no features of type %s", name)
	return AudioSpec{}
}

func TestConformanceOfTheGate(t *testing.T) {
	for _, c := range cases(t).Gate {
		t.Run(c.Name, func(t *testing.T) {
			speaks := FixedGate.detector()
			if c.Version >= listensSince {
				speaks = relativeDetector()
			}
			spec := audioSpecOf(t, c.Type)
			frames, shares := frameSplitter{size: SampleRate / spec.FPS}, newRestStream(spec)
			var found []float64
			share := func(speaks bool) {
				if share, ok := shares.push(speaks); ok {
					found = append(found, share)
				}
			}
			detect := func(samples []float32) { share(speaks(samples)) }
			err := decodeAudio(context.Background(), audioInfo(t, c.Audio, 3), "", func(samples []float32) error {
				frames.push(samples, detect)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			frames.flush(detect)
			for len(found) < len(c.Shares) {
				share(false)
			}
			for i, share := range c.Shares {
				if math.Abs(found[i]-share) > c.Tolerance {
					t.Fatalf("frame %d has %v of rest; expected %v", i, found[i], share)
				}
			}
		})
	}
}

func TestConformanceOfSamples(t *testing.T) {
	for _, c := range cases(t).Samples {
		t.Run(c.Name, func(t *testing.T) {
			var found []float32
			must(t, decodeAudio(context.Background(), audioInfo(t, c.Audio, c.Version), "", func(samples []float32) error {
				found = append(found, samples...)
				return nil
			}))
			near(t, found, readFloatFile(t, c.Expected), c.Tolerance)
		})
	}
}

func TestConformanceOfWindows(t *testing.T) {
	for _, c := range cases(t).Windows {
		t.Run(c.Name, func(t *testing.T) {
			a := openAvatar(t, at(c.Avatar))
			planned, err := a.plan(context.Background(), Audio{Path: at(c.Audio), Features: at(c.Features)})
			if err != nil {
				t.Fatal(err)
			}
			var windows [][]float32
			if err := planned.windows(context.Background(), func(window []float32) error {
				windows = append(windows, window)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(windows) != c.Count || planned.count != c.Count {
				t.Fatalf("%d windows, %d planned; expected %d", len(windows), planned.count, c.Count)
			}
			expected := readFloatFile(t, c.Expected)
			size := len(expected) / len(c.Frames)
			for i, frame := range c.Frames {
				near(t, windows[frame], expected[i*size:(i+1)*size], c.Tolerance)
			}
		})
	}
}

func TestConformanceOfFrames(t *testing.T) {
	for _, c := range cases(t).Frames {
		t.Run(c.Name, func(t *testing.T) { c.check(t, openAvatar(t, at(c.Avatar), WithBlend(c.Blend))) })
	}
}

func TestConformanceOfPlainExports(t *testing.T) {
	for _, c := range cases(t).Plain {
		t.Run(c.Name, func(t *testing.T) {
			c.check(t, openModel(t, c.Model, c.Mode, WithBlend(c.Blend)))
			c.check(t, openModel(t, c.Model, "", WithBlend(c.Blend), WithThreads(1), WithCacheSize(1<<24)))
		})
	}
}

// openModel is one of the conformance models with the template there.
func openModel(t *testing.T, path, mode string, opts ...Option) *Avatar {
	t.Helper()
	model, err := OpenModel(at(path), mode, opts...)
	must(t, err)
	t.Cleanup(model.Close)
	a, err := model.Avatar(at("template/full_body_img"), at("template/landmarks"))
	must(t, err)
	t.Cleanup(a.Close)
	return a
}

// check fails unless the frames of a are those of the case.
func (c *frameCase) check(t *testing.T, a *Avatar) {
	t.Helper()
	count := 0
	audio := Audio{Path: at(c.Audio), Features: at(c.Features)}
	for frame, err := range a.Frames(context.Background(), audio, StartFrame(c.Start)) {
		must(t, err)
		if path, kept := c.Frames[frame.Index]; kept {
			data, err := os.ReadFile(at(path))
			must(t, err)
			expected := make([]byte, len(frame.Pixels))
			must(t, decodeImage(data, path, "png", frame.Width, frame.Height, expected))
			if problem := apart(frame.Pixels, expected, c.Tolerance.Levels, c.Tolerance.Far, c.Tolerance.PSNR); problem != "" {
				t.Errorf("frame %d: %s", frame.Index, problem)
			}
		}
		frame.Release()
		count++
	}
	if count != c.Count {
		t.Errorf("%d frames; expected %d", count, c.Count)
	}
}

func apart(found, expected []byte, levels int, far, psnr float64) string {
	beyond, squares := 0, 0.0
	for i := range found {
		d := int(found[i]) - int(expected[i])
		squares += float64(d * d)
		if d > levels || -d > levels {
			beyond++
		}
	}
	mean := squares / float64(len(found))
	if share := float64(beyond) / float64(len(found)); share > far {
		return fmt.Sprintf("%.4f of the values are more than %d apart", share, levels)
	}
	if mean > 255*255/math.Pow(10, psnr/10) {
		return fmt.Sprintf("less than %g dB", psnr)
	}
	return ""
}

func TestConformanceOfRefusals(t *testing.T) {
	var hostile struct {
		Avatar string
		Cases  []struct {
			Name, Stage, Archive string
			Remove, Folder       []string
			Write, Link          map[string]string
			Repeat               map[string]struct {
				Start, Piece, End string
				Times             int
			}
		}
	}
	readJSON(t, "hostile.json", &hostile)
	for _, c := range hostile.Cases {
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "may")
			must(t, os.CopyFS(path, os.DirFS(at(hostile.Avatar))))
			for _, name := range c.Remove {
				must(t, os.Remove(filepath.Join(path, name)))
			}
			for name, data := range c.Write {
				must(t, os.WriteFile(filepath.Join(path, name), decoded(t, data), 0o600))
			}
			for name, parts := range c.Repeat {
				whole := append(decoded(t, parts.Start), bytes.Repeat(decoded(t, parts.Piece), parts.Times)...)
				must(t, os.WriteFile(filepath.Join(path, name), append(whole, decoded(t, parts.End)...), 0o600))
			}
			for name, target := range c.Link {
				must(t, os.Symlink(target, filepath.Join(path, name)))
			}
			for _, name := range c.Folder {
				must(t, os.Mkdir(filepath.Join(path, name), 0o700))
			}
			if c.Archive != "" {
				path += ".avatar"
				must(t, os.WriteFile(path, decoded(t, c.Archive), 0o600))
			}
			_, err := Verify(path, nil)
			var refusal *Error
			if !errors.As(err, &refusal) {
				t.Fatalf("not refused: %v", err)
			}
			if string(refusal.Stage) != c.Stage {
				t.Errorf("refused at the stage %q; expected %q (%v)", refusal.Stage, c.Stage, err)
			}
			if text := err.Error(); !strings.HasPrefix(text, path) || strings.ContainsAny(text, "\n\r\x1b") || len(text) > 800 {
				t.Errorf("not one line that names the package: %q", text)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	return data
}

func TestEveryConformanceAvatarIsValid(t *testing.T) {
	entries, err := os.ReadDir(at("avatars"))
	must(t, err)
	for _, entry := range entries {
		held, err := Verify(filepath.Join(at("avatars"), entry.Name()), nil)
		if err != nil || len(held) < 4 {
			t.Errorf("%s: %v %v", entry.Name(), held, err)
		}
	}
}

func TestAnArchiveIsItsFolder(t *testing.T) {
	folder := at("avatars/ave-160")
	path := filepath.Join(t.TempDir(), "may.avatar")
	writeArchive(t, folder, path)
	var frames [2][]byte
	for i, source := range []string{folder, path} {
		for frame, err := range openAvatar(t, source).Frames(context.Background(), Audio{Features: at("audio/ave.npy")}) {
			must(t, err)
			frames[i] = append(frames[i], frame.Pixels...)
		}
	}
	if len(frames[0]) == 0 || !bytes.Equal(frames[0], frames[1]) {
		t.Error("the frames differ")
	}
}
