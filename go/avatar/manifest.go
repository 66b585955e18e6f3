package avatar

import (
	"fmt"
	"iter"
)

const (
	format           = "framegen-avatar"
	newestVersion    = 3
	blendsSince      = 2 // the version from which there are blend and rest
	listensSince     = 3 // the version from which samples and silence are as docs/avatar.md has them
	streamingSince   = 3 // the version from which there are features of the type streaming
	outreachingSince = 3 // the version from which a box may reach beyond the image

	manifestFile, landmarksFile, previewFile, restFile = "avatar.json", "landmarks.bin", "preview.jpg", "rest.bin"

	landmarkBytes = 110 * 2 * 2 // a frame; x and y, int16
	previewSide   = 512         // pixels at most
)

// Images are the template's frames: size in pixels, how many, and "jpg" or "png".
type Images struct {
	Width, Height, Count int
	Format               string
}

// FileEntry is what a file must be: its bytes, and their SHA-256 in lower-case hexadecimal.
type FileEntry struct {
	Size   int64
	SHA256 string
}

// Manifest holds the fields of avatar.json, which docs/avatar.md describes.
type Manifest struct {
	Version   int
	Name      string
	Licence   string
	Credits   []string
	Face      string // "328", "160" or "mobile"
	Audio     AudioSpec
	Width     int // channels of the network's first level
	Frame     Images
	Boxes     []CropBox
	Parsing   bool
	Programs  []string // of "audio", "face", "render", in that order
	Precision string
	Blend     string
	Rest      bool
	Files     map[string]FileEntry
}

// paths gives every file that the package has beside avatar.json, and no other.
func (m *Manifest) paths() iter.Seq[string] {
	return func(yield func(string) bool) {
		fixed := []string{landmarksFile, previewFile}
		if m.Rest {
			fixed = append(fixed, restFile)
		}
		for _, role := range m.Programs {
			fixed = append(fixed, programPath(role))
		}
		for _, path := range fixed {
			if !yield(path) {
				return
			}
		}
		for i := range m.Frame.Count {
			if !yield(framePath(i, m.Frame.Format)) || m.Parsing && !yield(parsingPath(i)) {
				return
			}
		}
	}
}

func (m *Manifest) has(role string) bool {
	for _, known := range m.Programs {
		if known == role {
			return true
		}
	}
	return false
}

func programPath(role string) string            { return "programs/" + role + ".onnx" }
func framePath(index int, suffix string) string { return fmt.Sprintf("frames/%05d.%s", index, suffix) }
func parsingPath(index int) string              { return fmt.Sprintf("parsing/%05d.png", index) }
