package avatar

import (
	"os"
	"runtime/debug"
	"slices"

	"framegen/ort"
)

// plainFaces are the sides of the square that generators paint, by the names of the programs around them.
var plainFaces = map[string]int64{"328": 320, "160": 160, "mobile": 256}

// plainGenerator is a generator that was exported as its network alone, with the programs around it that resize, mask and
// write back.
type plainGenerator struct {
	network, input, patch *ort.Session
	image, audio          string // names of the network's inputs
	output                string
	spec                  AudioSpec
	path                  string
}

// openPlain opens the export at path and knows the generator by the shapes of its inputs; mode may be empty.
func openPlain(path, mode string) (*plainGenerator, error) {
	found, err := os.Stat(path)
	if err != nil || !found.Mode().IsRegular() {
		return nil, fail(MissingFile, path, "no such ONNX file; give a generator that was exported")
	}
	if found.Size() > mostFile {
		return nil, fail(BadModel, path, "has more than %d bytes; export it again", mostFile)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(BadModel, path, "cannot be read (%v); check the file's rights", err)
	}
	if _, err := readModel(program, anyDomain); err != nil {
		return nil, fail(BadModel, path, "%v; export it again", err)
	}
	network, err := ort.NewSession(program, 1)
	if err != nil {
		return nil, fail(BadModel, path, "not a model that ONNX Runtime can run (%s); export it again", shown(err.Error()))
	}
	debug.FreeOSMemory() // the program's bytes
	g := &plainGenerator{network: network, path: path}
	if err := g.open(mode); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *plainGenerator) open(mode string) error {
	face := ""
	for _, port := range g.network.Inputs {
		if len(port.Shape) != 4 {
			continue
		}
		for name, size := range plainFaces {
			if slices.Equal(port.Shape[1:], []int64{6, size, size}) {
				face, g.image = name, port.Name
			}
		}
		for _, spec := range audioSpecs {
			if slices.Equal(port.Shape[1:], spec.window[:]) {
				g.spec, g.audio = spec, port.Name
			}
		}
	}
	if len(g.network.Inputs) != 2 || len(g.network.Outputs) != 1 || g.image == "" || g.audio == "" {
		return fail(BadModel, g.path, "no generator; expected an image and an audio input and one output, found %s", portShapes(g.network))
	}
	if mode != "" && mode != g.spec.Name {
		return fail(BadModel, g.path, "this generator is for %s features, not %s", g.spec.Name, shown(mode))
	}
	g.output = g.network.Outputs[0].Name
	var err error
	if g.input, err = ort.NewSession(ort.PlainProgram("input_"+face), 1); err == nil {
		g.patch, err = ort.NewSession(ort.PlainProgram("patch_"+face), 1)
	}
	if err != nil {
		return fail(NoRuntime, "", "ONNX Runtime %s cannot run the programs around a generator (%s); take 1.14 or newer", ort.Version(), shown(err.Error()))
	}
	return nil
}

func portShapes(session *ort.Session) string {
	found := map[string][]int64{}
	for _, port := range slices.Concat(session.Inputs, session.Outputs) {
		found[port.Name] = port.Shape
	}
	return shown(found)
}

func (g *plainGenerator) close() {
	for _, session := range []*ort.Session{g.network, g.input, g.patch} {
		if session != nil {
			session.Close()
		}
	}
}

func (g *plainGenerator) encodeFace(crop []byte, size int) (faceState, error) {
	names := []string{"resized", "image"}
	outputs, err := g.input.Run(map[string]ort.Tensor{"crop": ort.NewTensor(crop, int64(size), int64(size), 3)}, names...)
	if err != nil {
		return nil, g.failed(err)
	}
	return faceState{names[0]: outputs[0], names[1]: outputs[1]}, nil
}

func (g *plainGenerator) render(state faceState, window []float32, crop []byte, size int, keep []byte, blend string) ([]byte, error) {
	image := state["image"].Tensor
	output, err := g.network.Run(map[string]ort.Tensor{
		g.image: image, g.audio: ort.NewTensor(window, append([]int64{1}, g.spec.window[:]...)...),
	}, g.output)
	if err != nil {
		return nil, g.failed(err)
	}
	defer output[0].Release()
	expected := []int64{1, 3, image.Shape[2], image.Shape[3]}
	if face := output[0]; face.Type != ort.Float32 || !slices.Equal(face.Shape, expected) {
		return nil, fail(BadModel, g.path, "gave values of shape %v; expected float32 %v", face.Shape, expected)
	}
	if keep == nil {
		keep = make([]byte, size*size)
	}
	side := int64(size)
	outputs, err := g.patch.Run(map[string]ort.Tensor{
		"face": output[0].Tensor, "resized": state["resized"].Tensor, "crop": ort.NewTensor(crop, side, side, 3),
		"blend": ort.NewTensor([]uint8{uint8(slices.Index(blends, blend))}), "keep": ort.NewTensor(keep, side, side),
	}, "patch")
	if err != nil {
		return nil, g.failed(err)
	}
	defer outputs[0].Release()
	return append([]byte(nil), outputs[0].Uint8s()...), nil
}

func (g *plainGenerator) failed(err error) error {
	return fail(BadModel, g.path, "failed while it ran (%s); free memory, or export the model again", shown(err.Error()))
}
