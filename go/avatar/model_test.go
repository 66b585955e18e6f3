package avatar

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const plain = "plain/328-ave.onnx"

// copiedTemplate is the conformance template in a folder of its own, to be damaged.
func copiedTemplate(t *testing.T) (images, landmarks string) {
	t.Helper()
	folder := t.TempDir()
	must(t, os.CopyFS(folder, os.DirFS(at("template"))))
	return filepath.Join(folder, "full_body_img"), filepath.Join(folder, "landmarks")
}

func mustBe(t *testing.T, err error, kind Kind, says string) {
	t.Helper()
	var known *Error
	if !errors.As(err, &known) || known.Kind != kind || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v; expected a line with %q", err, says)
	}
}

func TestModelsThatAreNone(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.onnx")
	must(t, os.WriteFile(text, []byte("a text"), 0o600))
	for name, c := range map[string]struct {
		path, mode string
		kind       Kind
		says       string
	}{
		"no file":       {filepath.Join(folder, "none.onnx"), "", MissingFile, "none.onnx: no such ONNX file"},
		"a folder":      {folder, "", MissingFile, "no such ONNX file"},
		"a text":        {text, "", BadModel, "text.onnx: is no ONNX program; export it again"},
		"a program":     {at("avatars/ave-160/programs/face.onnx"), "", BadModel, "face.onnx: no generator; expected an image and an audio input"},
		"another mode":  {at(plain), "wenet", BadModel, "328-ave.onnx: this generator is for ave features, not"},
		"unknown mode":  {at(plain), "abacus", BadModel, "for ave features, not"},
		"unknown blend": {at(plain), "", BadOption, "is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			blend := ""
			if name == "unknown blend" {
				blend = "soft"
			}
			_, err := OpenModel(c.path, c.mode, WithBlend(blend))
			mustBe(t, err, c.kind, c.says)
		})
	}
}

func TestTemplatesThatAreNone(t *testing.T) {
	model, err := OpenModel(at(plain), "")
	must(t, err)
	t.Cleanup(model.Close)
	jpeg, err := os.ReadFile(at("template/full_body_img/1.jpg"))
	must(t, err)
	other, err := os.ReadFile(at("avatars/ave-328/frames/00000.png"))
	must(t, err)
	points := strings.Repeat("50 50\n", landmarkCount)
	for name, c := range map[string]struct {
		file, content string // nothing removes the file
		kind          Kind
		says          string
	}{
		"no landmarks":        {"landmarks/2.lms", "", BadTemplate, "2.lms: no such landmark file"},
		"no frame":            {"full_body_img/2.jpg", "", BadTemplate, "frames 2 are missing"},
		"a frame twice":       {"full_body_img/02.png", string(jpeg), BadTemplate, "frame 2 is there twice"},
		"a text as a frame":   {"full_body_img/2.jpg", "a text", BadTemplate, "2.jpg: neither a JPEG nor a PNG"},
		"a frame cut short":   {"full_body_img/2.jpg", string(jpeg[:len(jpeg)/2]), BadTemplate, "2.jpg: a damaged image, its end is missing"},
		"another size":        {"full_body_img/2.jpg", string(other), BadTemplate, "2.jpg: is 128x96, the others are 131x97"},
		"few landmarks":       {"landmarks/2.lms", "1 2\n3 4\n", BadTemplate, "2.lms: 2 points; expected 110 lines"},
		"a word in landmarks": {"landmarks/2.lms", points[:len(points)-6] + "50 mouth\n", BadTemplate, "2.lms: not a landmark file"},
		"three numbers":       {"landmarks/2.lms", points[:len(points)-6] + "50 50 50\n", BadTemplate, "2.lms: not a landmark file"},
		"not a number":        {"landmarks/2.lms", points[:len(points)-6] + "50 nan\n", BadTemplate, "2.lms: not a landmark file"},
		"far away":            {"landmarks/2.lms", points[:len(points)-6] + "50 1e9\n", BadTemplate, "2.lms: has points that are no pixel positions"},
		"no face":             {"landmarks/2.lms", points, BadTemplate, "2.lms: the face is 0 pixels wide"},
		"a huge file":         {"landmarks/2.lms", strings.Repeat(points, 200), BadTemplate, "2.lms: not a landmark file"},
	} {
		t.Run(name, func(t *testing.T) {
			images, landmarks := copiedTemplate(t)
			path := filepath.Join(filepath.Dir(images), c.file)
			if c.content == "" {
				must(t, os.Remove(path))
			} else {
				must(t, os.WriteFile(path, []byte(c.content), 0o600))
			}
			_, err := model.Avatar(images, landmarks)
			mustBe(t, err, c.kind, c.says)
		})
	}
	_, err = model.Avatar(t.TempDir(), at("template/landmarks"))
	mustBe(t, err, BadTemplate, "no frames; expected 0.jpg")
	_, err = model.Avatar(at("template/full_body_img"), filepath.Join(t.TempDir(), "landmarks"))
	mustBe(t, err, MissingFile, "no such folder")
}

func TestAllProblemsOfATemplateAreTold(t *testing.T) {
	model, err := OpenModel(at(plain), "")
	must(t, err)
	t.Cleanup(model.Close)
	images, landmarks := copiedTemplate(t)
	must(t, os.Remove(filepath.Join(landmarks, "1.lms")))
	must(t, os.Remove(filepath.Join(images, "2.jpg")))
	_, err = model.Avatar(images, landmarks)
	mustBe(t, err, BadTemplate, "frames 2 are missing; ")
	mustBe(t, err, BadTemplate, "1.lms: no such landmark file")
}

func TestAFrameThatIsDamagedInside(t *testing.T) {
	model, err := OpenModel(at(plain), "")
	must(t, err)
	t.Cleanup(model.Close)
	images, landmarks := copiedTemplate(t)
	path := filepath.Join(images, "2.jpg")
	data, err := os.ReadFile(path)
	must(t, err)
	data = slices.Concat(data[:len(data)/2], data[len(data)-2:])
	must(t, os.WriteFile(path, data, 0o600))
	a, err := model.Avatar(images, landmarks)
	must(t, err)
	defer a.Close()
	for _, err = range a.Frames(context.Background(), Audio{Features: at("audio/ave.npy")}) {
	}
	mustBe(t, err, BadTemplate, "2.jpg: cannot be decoded")
}

func TestLargeImagesAreMeasuredByTheirEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.jpg")
	data, err := os.ReadFile(at("template/full_body_img/0.jpg"))
	must(t, err)
	comment := slices.Concat([]byte{0xff, 0xfe, 0xff, 0xff}, make([]byte, 0xfffd))
	for _, filled := range [][]byte{
		slices.Concat(data[:len(data)-2], make([]byte, 2*headBytes), data[len(data)-2:]), // between its header and its end
		slices.Concat(data[:2], comment, comment, data[2:]),                              // before its size
	} {
		must(t, os.WriteFile(path, filled, 0o600))
		if width, height, err := imageSize(path); err != nil || width != 131 || height != 97 {
			t.Errorf("%dx%d, %v", width, height, err)
		}
	}
}

func TestFeaturesInMemory(t *testing.T) {
	fromFile, err := LoadFeatures(at("audio/ave.npy"), Ave)
	must(t, err)
	windows, err := LoadFeatures(at("audio/ave-windows.bin"), Ave)
	must(t, err)
	if fromFile.Len() != 8 || windows.Len() != 3 {
		t.Errorf("%d features and %d windows", fromFile.Len(), windows.Len())
	}
	for i := range windows.Len() {
		near(t, windows.window(i), fromFile.window(i+2), 0)
	}
	near(t, windows.window(3), make([]float32, Window*512), 0)
	if wide, err := LoadFeatures(at("audio/ave-windows.bin"), Wenet); err != nil || wide.whole || wide.Len() != 3 {
		t.Error("8192 values are a feature of wenet", err)
	}
	a := openModel(t, plain, "")
	rows := slices.Collect(windows.Rows())
	values, err := NewFeatures(Ave, rows)
	must(t, err)
	count := 0
	for frame, err := range a.Frames(context.Background(), Audio{Values: values}) {
		must(t, err)
		frame.Release()
		count++
	}
	if count != 3 {
		t.Errorf("%d frames", count)
	}
	for says, rows := range map[string][][]float32{
		"holds values of shape [0 0]":    nil,
		"holds values of shape [1 511]":  {make([]float32, 511)},
		"row 1 of the features has 3":    {make([]float32, 512), make([]float32, 3)},
		"not finite numbers":             {append(make([]float32, 511), float32(math.NaN()))},
		"expected ave features (N, 512)": {make([]float32, 2048)},
	} {
		_, err := NewFeatures(Ave, rows)
		mustBe(t, err, BadFeatures, says)
	}
	hubert, err := LoadFeatures(at("audio/hubert.bin"), Hubert)
	must(t, err)
	for audio, says := range map[Audio]string{
		{Values: hubert}: "features of type hubert; this avatar takes ave",
		{Values: values, Features: at("audio/ave.npy")}: "given twice",
	} {
		for _, err = range a.Frames(context.Background(), audio) {
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v", err)
		}
	}
}

func TestSavedFrames(t *testing.T) {
	var frames []Frame
	for frame, err := range openModel(t, plain, "").Frames(context.Background(), Audio{Features: at("audio/ave.npy")}) {
		must(t, err)
		frames = append(frames, frame)
	}
	folder := t.TempDir()
	must(t, SaveFrames(frames, folder, "May.2"))
	must(t, os.WriteFile(filepath.Join(folder, "Mayx2_00007.jpg"), nil, 0o600)) // of another prefix
	must(t, SaveFrames(frames[:5], folder, "May.2"))
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 6 || entries[4].Name() != "May.2_00004.jpg" {
		t.Errorf("got %v", entries)
	}
	mustBe(t, SaveFrames(frames, folder, "../May"), BadOption, "would lead to another folder")
}

func TestHostileProgramsAreNoModels(t *testing.T) {
	var hostile struct {
		Cases []struct {
			Name, Stage string
			Write       map[string]string
		}
	}
	readJSON(t, "hostile.json", &hostile)
	path, tried := filepath.Join(t.TempDir(), "model.onnx"), 0
	for _, c := range hostile.Cases {
		for name, data := range c.Write {
			if c.Stage != string(StagePrograms) || filepath.Ext(name) != ".onnx" {
				continue
			}
			must(t, os.WriteFile(path, decoded(t, data), 0o600))
			_, err := OpenModel(path, "")
			mustBe(t, err, BadModel, "model.onnx: ")
			tried++
		}
	}
	if tried < 20 {
		t.Errorf("only %d programs", tried)
	}
}
