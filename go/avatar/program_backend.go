package avatar

import (
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"framegen/ort"
)

// generator paints faces: what depends on the template frame alone, and then the crop for a window. Safe for goroutines.
type generator interface {
	encodeFace(crop []byte, size int) (faceState, error)
	// render gives the crop as it is written back, BGR; keep may be nil.
	render(state faceState, window []float32, crop []byte, size int, keep []byte, blend string) ([]byte, error)
	close()
}

// faceState is what the face program gave for a template frame: its outputs by name.
type faceState map[string]*ort.Output

func (s faceState) bytes() int {
	total := 0
	for _, output := range s {
		total += output.Bytes()
	}
	return total
}

func (s faceState) release() {
	for _, output := range s {
		output.Release()
	}
}

// programGenerator is a generator as a package has it.
type programGenerator struct {
	face, paint    *ort.Session
	state          map[string]value // what the face program gives
	names          []string         // of the face state
	blend, parsing bool             // whether the render program takes the blend, and which pixels stay
	path           string
}

// inParallel gives what work makes for each role, by role, or the first error.
func inParallel[T any](roles []string, work func(role string) (T, error)) (map[string]T, error) {
	results := map[string]T{}
	var first error
	var group sync.WaitGroup
	var lock sync.Mutex
	for _, role := range roles {
		group.Go(func() {
			one, err := work(role)
			lock.Lock()
			defer lock.Unlock()
			if err == nil {
				results[role] = one
			} else if first == nil {
				first = err
			}
		})
	}
	group.Wait()
	return results, first
}

// openPrograms opens the programs of a package, each for one thread inside of it. They are read, and once all of them are
// checked opened, beside each other. Opening the render program takes longest; meanwhile the first frame's face is encoded.
//
// cache: bytes that remembered faces may take. library: gives the error of opening ONNX Runtime's library, which may go on
// while programs are read. The generator is that of the states.
func openPrograms(p *Package, cache int, library <-chan error) (*faceStates, *audioProgram, error) {
	programs, err := inParallel(p.Manifest.Programs, func(role string) (program, error) { return readProgram(p, role) })
	if err != nil {
		return nil, nil, err
	}
	state, err := checkPrograms(p.Manifest, programs)
	if err != nil {
		return nil, nil, refused(p.Path, err)
	}
	if err := <-library; err != nil {
		return nil, nil, err
	}
	names := slices.Sorted(maps.Keys(state))
	generator := &programGenerator{state: state, names: names, blend: p.Manifest.Version >= blendsSince, parsing: p.Manifest.Parsing, path: p.Path}
	states := newFaceStates(generator, cache)
	sessions, err := inParallel(p.Manifest.Programs, func(role string) (*ort.Session, error) {
		session, err := ort.NewSession(programs[role].data, 1)
		if role == "face" && err == nil {
			generator.face = session
			states.prepare(packagedTemplate{p}, frameAt(0, 0, p.Manifest.Frame.Count))
		}
		return session, err
	})
	if err != nil {
		states.close()
		for _, session := range sessions {
			session.Close()
		}
		return nil, nil, refused(p.Path, refuse(StagePrograms, "its programs do not load (%s)", shown(err.Error())))
	}
	go debug.FreeOSMemory() // the programs' bytes, as many as there are weights, which nobody needs any more
	generator.paint = sessions["render"]
	var audio *audioProgram
	if sessions["audio"] != nil {
		audio = &audioProgram{sessions["audio"], p.Manifest.Audio}
	}
	return states, audio, nil
}

func (g *programGenerator) close() {
	g.face.Close()
	g.paint.Close()
}

func (g *programGenerator) encodeFace(crop []byte, size int) (faceState, error) {
	shape := []int64{int64(size), int64(size), 3}
	outputs, err := g.face.Run(map[string]ort.Tensor{"crop": ort.NewTensor(crop, shape...)}, g.names...)
	if err != nil {
		return nil, g.failed(err)
	}
	state := faceState{}
	for i, name := range g.names {
		state[name] = outputs[i]
		stated := g.state[name]
		if uint64(outputs[i].Type) != stated.element || !slices.Equal(outputs[i].Shape, stated.shape) {
			err = refuse(StagePrograms, "programs/face.onnx gives %s of shape %v; expected %s", shown(name), outputs[i].Shape, stated.described())
		}
	}
	if err != nil {
		state.release()
		return nil, refused(g.path, err)
	}
	return state, nil
}

func (g *programGenerator) render(state faceState, window []float32, crop []byte, size int, keep []byte, blend string) ([]byte, error) {
	shape := []int64{int64(size), int64(size), 3}
	inputs := map[string]ort.Tensor{
		"window": ort.NewTensor(window, Window, int64(len(window)/Window)),
		"crop":   ort.NewTensor(crop, shape...),
	}
	if g.blend {
		inputs["blend"] = ort.NewTensor([]uint8{uint8(slices.Index(blends, blend))})
	}
	if g.parsing {
		if keep == nil {
			keep = make([]byte, size*size)
		}
		inputs["keep"] = ort.NewTensor(keep, shape[:2]...)
	}
	for name, output := range state {
		inputs[name] = output.Tensor
	}
	outputs, err := g.paint.Run(inputs, "patch")
	if err != nil {
		return nil, g.failed(err)
	}
	defer outputs[0].Release()
	if outputs[0].Type != ort.Uint8 || !slices.Equal(outputs[0].Shape, shape) {
		return nil, refused(g.path, refuse(StagePrograms, "programs/render.onnx gives an image %v for %v", outputs[0].Shape, shape))
	}
	return append([]byte(nil), outputs[0].Uint8s()...), nil
}

func (g *programGenerator) failed(err error) error {
	return refused(g.path, refuse(StagePrograms, "its programs do not run (%s)", shown(err.Error())))
}
