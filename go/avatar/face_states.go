package avatar

import "sync"

const mostMemory = 48 << 20 // bytes that face states take at most, unless somebody says how many

// faceStates is a generator's encodeFace with a memory, which changes nothing but speed: the first frames that are needed
// are kept, as long as there is room, and the others are computed every time. Safe for goroutines.
type faceStates struct {
	generator generator
	budget    int
	lock      sync.Mutex
	kept      map[int]faceState
	used      int
}

// newFaceStates remembers none yet; budget is in bytes.
func newFaceStates(generator generator, budget int) *faceStates {
	return &faceStates{generator: generator, budget: budget, kept: map[int]faceState{}}
}

// encode gives the state of template frame index, and what to call when it is no longer needed.
func (s *faceStates) encode(index int, crop []byte, size int) (faceState, func(), error) {
	s.lock.Lock()
	state, there := s.kept[index]
	s.lock.Unlock()
	if there {
		return state, func() {}, nil
	}
	state, err := s.generator.encodeFace(crop, size)
	if err != nil {
		return nil, nil, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	_, there = s.kept[index]
	if bytes := state.bytes(); !there && s.used+bytes <= s.budget {
		s.kept[index] = state
		s.used += bytes
		return state, func() {}, nil
	}
	return state, state.release, nil
}

// prepare encodes the face of template frame index before anybody needs it. What is wrong with the frame is said where it is
// needed.
func (s *faceStates) prepare(t template, index int) {
	width, height, _ := t.size()
	image := make([]byte, 3*width*height)
	if _, err := t.read(index, image); err != nil {
		return
	}
	box := t.box(index)
	if _, release, err := s.encode(index, box.cut(image, width, height), box.Size); err == nil {
		release()
	}
}

func (s *faceStates) close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, state := range s.kept {
		state.release()
	}
	s.kept, s.used = map[int]faceState{}, 0
}
