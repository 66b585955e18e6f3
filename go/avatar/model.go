package avatar

// Model is a generator that was exported as its network alone, as people of SyncTalk_2D have it; docs/avatar.md says more
// under "Plain exports". It is safe for goroutines; Close it after the avatars that were made of it.
type Model struct {
	generator *plainGenerator
	options   options
}

// OpenModel opens the ONNX file at path. mode: ave, hubert, wenet, whisper or streaming, the type of its features, which the file tells
// when it is empty. Faces are written back with Reference unless WithBlend says otherwise. Errors are of type *Error.
func OpenModel(path, mode string, opts ...Option) (*Model, error) {
	options := newOptions(append([]Option{WithBlend(Reference), WithCacheSize(0)}, opts...))
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.blend == "" {
		options.blend = Reference
	}
	if err := openRuntime(options.runtime); err != nil {
		return nil, err
	}
	generator, err := openPlain(path, mode)
	if err != nil {
		return nil, err
	}
	return &Model{generator, options}, nil
}

// Spec is the type of features that the generator takes.
func (m *Model) Spec() AudioSpec { return m.generator.spec }

// Avatar is the person of a template as SyncTalk_2D has it: a folder of images 0.jpg, 1.jpg and so on, and one of
// landmarks 0.lms and so on, both checked completely. It speaks from features, not from audio, and its mouth never rests.
func (m *Model) Avatar(images, landmarks string) (*Avatar, error) {
	opened, err := openTemplate(images, landmarks)
	if err != nil {
		return nil, err
	}
	a := &Avatar{audioSpec: m.generator.spec, template: opened, generator: lentGenerator{m.generator}, options: m.options}
	a.states, a.buffers = newFaceStates(a.generator, a.options.cache), newBuffers(a.template, a.options.threads)
	return a, nil
}

// Close gives everything back.
func (m *Model) Close() { m.generator.close() }

// lentGenerator stays open when an avatar is closed.
type lentGenerator struct{ *plainGenerator }

func (lentGenerator) close() {}
