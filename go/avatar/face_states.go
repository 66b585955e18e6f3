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

func (s *faceStates) close() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, state := range s.kept {
		state.release()
	}
	s.kept, s.used = map[int]faceState{}, 0
}
