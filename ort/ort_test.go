package ort

import (
	"os"
	"strings"
	"sync"
	"testing"
)

const audioProgram = "../src/frame_generation_pipeline/weights/presenter/programs/audio.onnx"

func open(t *testing.T) *Session {
	t.Helper()
	if err := Open(""); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(audioProgram)
	if err != nil {
		t.Fatal(err)
	}
	session, err := NewSession(program, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

func request(samples []float32, count int64) map[string]Tensor {
	return map[string]Tensor{
		"samples": NewTensor(samples, int64(len(samples))),
		"first":   NewTensor([]int64{0}),
		"count":   NewTensor([]int64{count}),
	}
}

func TestSessionStatesItsPorts(t *testing.T) {
	session := open(t)
	if len(session.Inputs) != 3 || len(session.Outputs) != 1 {
		t.Fatalf("%d inputs and %d outputs", len(session.Inputs), len(session.Outputs))
	}
	features := session.Outputs[0]
	if features.Name != "features" || features.Type != Float32 || len(features.Shape) != 2 || features.Shape[0] != -1 {
		t.Errorf("got %+v", features)
	}
	if Version() == "" {
		t.Error("the library has no version")
	}
}

func TestGoroutinesShareASession(t *testing.T) {
	session := open(t)
	samples := make([]float32, 16000)
	for i := range samples {
		samples[i] = float32(i%97)/97 - 0.5
	}
	results := make([][]float32, 4)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			outputs, err := session.Run(request(samples, 10), "features")
			if err != nil {
				t.Error(err)
				return
			}
			defer outputs[0].Release()
			if len(outputs[0].Shape) != 2 || outputs[0].Shape[0] != 10 {
				t.Errorf("shape %v", outputs[0].Shape)
			}
			results[i] = append(results[i], outputs[0].Float32s()...)
		})
	}
	group.Wait()
	varied := false
	for i, value := range results[0] {
		varied = varied || value != results[0][0]
		for _, other := range results[1:] {
			if other[i] != value {
				t.Fatalf("value %d is %v and %v", i, value, other[i])
			}
		}
	}
	if !varied {
		t.Error("all features are equal")
	}
}

func TestOutputsOutliveTheNextRun(t *testing.T) {
	session := open(t)
	first, err := session.Run(request(make([]float32, 16000), 4), "features")
	if err != nil {
		t.Fatal(err)
	}
	kept := append([]float32(nil), first[0].Float32s()...)
	loud := make([]float32, 16000)
	for i := range loud {
		loud[i] = float32(i%2) - 0.5
	}
	if _, err := session.Run(request(loud, 4), "features"); err != nil {
		t.Fatal(err)
	}
	for i, value := range first[0].Float32s() {
		if value != kept[i] {
			t.Fatalf("value %d changed from %v to %v", i, kept[i], value)
		}
	}
	first[0].Release()
	first[0].Release()
	if first[0].Float32s() != nil {
		t.Error("a released output still gives numbers")
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	session := open(t)
	wrongSize := request(make([]float32, 100), 1)
	wrongSize["samples"] = NewTensor(make([]float32, 100), 101)
	wrongType := request(make([]float32, 100), 1)
	wrongType["count"] = NewTensor([]float32{1})
	missing := request(make([]float32, 100), 1)
	delete(missing, "first")
	cases := map[string]func() error{
		"wrong size": func() error { _, err := session.Run(wrongSize, "features"); return err },
		"wrong type": func() error { _, err := session.Run(wrongType, "features"); return err },
		"missing":    func() error { _, err := session.Run(missing, "features"); return err },
		"no output":  func() error { _, err := session.Run(request(make([]float32, 100), 1), "frames"); return err },
		"no program": func() error { _, err := NewSession([]byte("not a program"), 1); return err },
		"empty":      func() error { _, err := NewSession(nil, 1); return err },
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			err := run()
			if err == nil || err.Error() == "" || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPlainProgramsRun(t *testing.T) {
	if err := Open(""); err != nil {
		t.Fatal(err)
	}
	if PlainProgram("input_329") != nil {
		t.Error("there is a program for generators that do not exist")
	}
	for name, size := range map[string]int64{"328": 320, "160": 160, "mobile": 256} {
		session, err := NewSession(PlainProgram("input_"+name), 1)
		if err != nil {
			t.Fatal(name, err)
		}
		outputs, err := session.Run(map[string]Tensor{"crop": NewTensor(make([]uint8, 40*41*3), 40, 41, 3)}, "image")
		if err != nil {
			t.Fatal(name, err)
		}
		if found := outputs[0].Shape; len(found) != 4 || found[1] != 6 || found[3] != size {
			t.Errorf("%s: an image of shape %v", name, found)
		}
		session.Close()
		if session, err = NewSession(PlainProgram("patch_"+name), 1); err != nil {
			t.Fatal(name, err)
		}
		session.Close()
	}
}
