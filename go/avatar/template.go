package avatar

// template gives the recording's frames, from a package or a folder; safe for goroutines.
type template interface {
	// size of every frame in pixels, and how many there are
	size() (width, height, count int)
	box(index int) CropBox
	// read decodes frame index into image, BGR, and gives which pixels of the crop stay as they are, or nil.
	read(index int, image []byte) (keep []byte, err error)
}

// packagedTemplate is the recording inside of a package: images are checked as bytes in memory and decoded from these.
type packagedTemplate struct{ *Package }

func (t packagedTemplate) size() (width, height, count int) {
	frame := t.Manifest.Frame
	return frame.Width, frame.Height, frame.Count
}

func (t packagedTemplate) box(index int) CropBox { return t.Manifest.Boxes[index] }

func (t packagedTemplate) read(index int, image []byte) ([]byte, error) {
	frame := t.Manifest.Frame
	if err := t.readImage(framePath(index, frame.Format), frame.Format, frame.Width, frame.Height, image); err != nil {
		return nil, err
	}
	if !t.Manifest.Parsing {
		return nil, nil
	}
	parsing := make([]byte, len(image))
	if err := t.readImage(parsingPath(index), "png", frame.Width, frame.Height, parsing); err != nil {
		return nil, err
	}
	return keptPixels(t.box(index).cut(parsing, frame.Width, frame.Height)), nil
}

func (t packagedTemplate) readImage(name, suffix string, width, height int, image []byte) error {
	data, err := t.Read(name)
	if err != nil {
		return err
	}
	return refused(t.Path, decodeImage(data, name, suffix, width, height, image))
}

// keptPixels says where a parsing image, BGR, is red or white: 1 there, otherwise 0.
func keptPixels(parsing []byte) []byte {
	keep := make([]byte, len(parsing)/3)
	for i := range keep {
		blue, green, red := parsing[3*i], parsing[3*i+1], parsing[3*i+2]
		if red == 255 && blue == green && (blue == 0 || blue == 255) {
			keep[i] = 1
		}
	}
	return keep
}
