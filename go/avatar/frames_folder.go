package avatar

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"framegen/go/internal/turbojpeg"
)

const (
	jpegQuality = 95
	framePrefix = "frame"
	partialName = ".partial" // the folder in which frames wait until all are there
)

// frameSink is where frames go, a video or a folder of images.
type frameSink interface {
	write(frame Frame) error
	// finish puts everything under its final name; nothing stands under it before.
	finish() error
	// discard removes what is not finished; after finish it does nothing.
	discard()
}

// frameFolder writes images, frame_00000.png on, into a folder. They appear when all are there; only then the frames of an
// earlier run disappear, in either format. Other files stay.
type frameFolder struct {
	folder, partial, prefix, suffix string
	provenance                      bool
	count                           int
}

func newFrameFolder(folder, prefix, suffix string, provenance bool) (*frameFolder, error) {
	if suffix != "png" && suffix != "jpg" {
		return nil, fail(BadOption, "", "unknown frame format %s; use png or jpg", shown(suffix))
	}
	if strings.ContainsAny(prefix, "/\\\x00") {
		return nil, fail(BadOption, "", "prefix %s would lead to another folder; give the beginning of a file's name", shown(prefix))
	}
	f := &frameFolder{folder, filepath.Join(folder, partialName), prefix, suffix, provenance, 0}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, f.failed(err)
	}
	if err := os.RemoveAll(f.partial); err != nil {
		return nil, f.failed(err)
	}
	if err := os.Mkdir(f.partial, 0o777); err != nil {
		return nil, f.failed(err)
	}
	return f, nil
}

func (f *frameFolder) name(index int) string {
	return fmt.Sprintf("%s_%05d.%s", f.prefix, index, f.suffix)
}

func (f *frameFolder) write(frame Frame) error {
	data, err := encodeImage(frame, f.suffix)
	if err == nil && f.provenance {
		data = markedImage(data, f.suffix)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(f.partial, f.name(f.count)), data, 0o666)
	}
	f.count++
	if err != nil {
		return f.failed(err)
	}
	return nil
}

func encodeImage(frame Frame, suffix string) ([]byte, error) {
	if suffix == "png" {
		return encodePNG(frame.Pixels, frame.Width, frame.Height)
	}
	return turbojpeg.Encode(frame.Pixels, frame.Width, frame.Height, jpegQuality)
}

func (f *frameFolder) finish() error {
	for i := range f.count {
		if err := os.Rename(filepath.Join(f.partial, f.name(i)), filepath.Join(f.folder, f.name(i))); err != nil {
			return f.failed(err)
		}
	}
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return f.failed(err)
	}
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(f.prefix) + `_([0-9]{5,})\.(png|jpg)$`)
	for _, entry := range entries {
		name := entry.Name()
		found := ours.FindStringSubmatch(name)
		if found == nil {
			continue
		}
		if index, err := strconv.Atoi(found[1]); err == nil && index < f.count && name == f.name(index) {
			continue
		}
		if err := os.Remove(filepath.Join(f.folder, name)); err != nil {
			return f.failed(err)
		}
	}
	f.discard()
	return nil
}

func (f *frameFolder) discard() { os.RemoveAll(f.partial) }

func (f *frameFolder) failed(err error) error {
	failure := fail(BadOutput, f.folder, "cannot be written (%v); free space or choose another folder", err)
	failure.Cause = err
	return failure
}

// SaveFrames writes frames that are held in memory as JPEG of quality 95 into a folder: prefix_00000.jpg and so on. They
// appear when all are written; images of such names that an earlier call left beyond the last one disappear.
func SaveFrames(frames []Frame, folder, prefix string) error {
	sink, err := newFrameFolder(folder, prefix, "jpg", true)
	if err != nil {
		return err
	}
	defer sink.discard()
	for _, frame := range frames {
		if err := sink.write(frame); err != nil {
			return err
		}
	}
	return sink.finish()
}
