package avatar

import (
	"fmt"
	"sort"
	"strings"
)

// Verify checks every file of the package at path, decodes every image and runs the programs once. It gives a line for
// each thing that holds, or the first thing that does not. progress may be nil.
func Verify(path string, progress func(done, total int), opts ...Option) ([]string, error) {
	a, err := Open(path, opts...)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	m := a.Package.Manifest
	held := []string{fmt.Sprintf("manifest of version %d, %d files, no other", m.Version, len(m.Files))}
	if err := a.runOnce(); err != nil {
		return held, err
	}
	held = append(held, "programs "+strings.Join(m.Programs, ", "))
	if _, err := a.Package.Read(landmarksFile); err != nil {
		return held, err
	}
	if err := a.checkPreview(); err != nil {
		return held, err
	}
	held = append(held, "landmarks and preview")
	if a.rest != nil {
		held = append(held, "features of a mouth at rest")
	}
	width, height, count := a.template.size()
	image := make([]byte, 3*width*height)
	for i := range count {
		if _, err := a.template.read(i, image); err != nil {
			return held, err
		}
		if progress != nil {
			progress(i+1, count)
		}
	}
	parsing := ""
	if m.Parsing {
		parsing = ", each with its parsing image"
	}
	return append(held, fmt.Sprintf("%d frames of %dx%d pixels%s", count, width, height, parsing)), nil
}

func (a *Avatar) runOnce() error {
	width, height, _ := a.template.size()
	image := make([]byte, 3*width*height)
	keep, err := a.template.read(0, image)
	if err != nil {
		return err
	}
	box := a.template.box(0)
	crop := box.cut(image, width, height)
	state, release, err := a.states.encode(0, crop, box.Size)
	if err != nil {
		return err
	}
	defer release()
	silence := make([]float32, Window*a.audioSpec.FeatureSize)
	if _, err := a.generator.render(state, silence, crop, box.Size, keep, a.options.blend); err != nil {
		return err
	}
	if a.audio == nil {
		return nil
	}
	if _, err := a.audio.features(make([]float32, SampleRate), 0, SampleRate); err != nil {
		return refused(a.Package.Path, refuse(StagePrograms, "its programs do not run (%s)", shown(err.Error())))
	}
	return nil
}

func (a *Avatar) checkPreview() error {
	data, err := a.Package.Read(previewFile)
	if err != nil {
		return err
	}
	width, height, err := readHeader(data, previewFile, "jpg")
	if err == nil && max(width, height) > previewSide {
		err = refuse(StageImages, "%s has a side of more than %d pixels", previewFile, previewSide)
	}
	if err == nil {
		err = decodeImage(data, previewFile, "jpg", width, height, make([]byte, 3*width*height))
	}
	return refused(a.Package.Path, err)
}

// Describe says what a package is, as pairs of names and values in the order they should be shown. Only its manifest is
// read.
func Describe(path string) ([][2]string, error) {
	p, err := OpenPackage(path)
	if err != nil {
		return nil, err
	}
	m := p.Manifest
	sides := make([]int, 0, len(m.Boxes))
	for _, box := range m.Boxes {
		sides = append(sides, box.Size)
	}
	sort.Ints(sides)
	total := int64(0)
	for _, entry := range m.Files {
		total += entry.Size
	}
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	yes := map[bool]string{true: "yes", false: "no"}
	usual := map[int]string{32: "", 16: "-light"}
	if m.Face == "mobile" {
		usual = map[int]string{16: ""}
	}
	width, known := usual[m.Width]
	if !known {
		width = fmt.Sprintf("-width%d", m.Width)
	}
	return [][2]string{
		{"kind", "avatar"},
		{"name", m.Name},
		{"licence", or(m.Licence, "not stated")},
		{"credits", or(strings.Join(m.Credits, ", "), "none")},
		{"generator", m.Face + "-" + m.Audio.Name + width},
		{"audio features", m.Audio.Name},
		{"programs", fmt.Sprintf("%s (%s)", strings.Join(m.Programs, ", "), m.Precision)},
		{"frames", fmt.Sprint(m.Frame.Count)},
		{"size", fmt.Sprintf("%dx%d", m.Frame.Width, m.Frame.Height)},
		{"images", m.Frame.Format},
		{"frame rate", fmt.Sprintf("%d a second", m.Audio.FPS)},
		{"face boxes", fmt.Sprintf("%d to %d pixels, median %d", sides[0], sides[len(sides)-1], sides[len(sides)/2])},
		{"parsing", yes[m.Parsing]},
		{"blend", m.Blend},
		{"mouth at rest", yes[m.Rest]},
		{"bytes", fmt.Sprint(total)},
		{"fingerprint", p.Fingerprint},
	}, nil
}
