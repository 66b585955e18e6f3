package avatar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	mostProblems  = 20      // of a template, that a message shows
	mostGaps      = 10      // missing frames that a message names
	mostImageSize = 1 << 30 // bytes of an image's file
	headBytes     = 1 << 16 // of an image, in which its size stands if it is an ordinary one
	tailBytes     = 64      // of an image, in which its end stands
)

// templateFolder is a recording as SyncTalk_2D's users have it: numbered images, and landmarks under the same numbers.
type templateFolder struct {
	images        []string
	boxes         []CropBox
	width, height int
}

// openTemplate checks both folders completely, and decodes nothing yet; one error names all problems.
func openTemplate(images, landmarks string) (*templateFolder, error) {
	for _, folder := range []string{images, landmarks} {
		if found, err := os.Stat(folder); err != nil || !found.IsDir() {
			return nil, fail(MissingFile, folder, "no such folder; a template has full_body_img/ and landmarks/")
		}
	}
	numbered, problems, err := numberedImages(images)
	if err != nil {
		return nil, err
	}
	numbers := slices.Sorted(maps.Keys(numbered))
	type size struct{ width, height int }
	sizes, boxes, counts := map[int]size{}, map[int]CropBox{}, map[size]int{}
	landmarkFile := func(number int) string { return filepath.Join(landmarks, strconv.Itoa(number)+".lms") }
	for _, number := range numbers {
		width, height, err := imageSize(numbered[number])
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		sizes[number] = size{width, height}
		counts[sizes[number]]++
		points, err := readLandmarks(landmarkFile(number))
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		boxes[number] = landmarkBox(points)
	}
	var usual size
	for found, count := range counts {
		if more := count - counts[usual]; more > 0 || more == 0 && found.width*found.height > usual.width*usual.height {
			usual = found
		}
	}
	opened := &templateFolder{width: usual.width, height: usual.height}
	for _, number := range numbers {
		found, known := sizes[number]
		box, boxed := boxes[number]
		if known && found != usual {
			problems = append(problems, fmt.Sprintf("%s: is %dx%d, the others are %dx%d", numbered[number], found.width, found.height, usual.width, usual.height))
		} else if problem := box.problem(usual.width, usual.height); boxed && problem != "" {
			problems = append(problems, landmarkFile(number)+": "+problem)
		}
		opened.images, opened.boxes = append(opened.images, numbered[number]), append(opened.boxes, box)
	}
	if len(problems) > 0 {
		text := strings.Join(problems[:min(len(problems), mostProblems)], "; ")
		if more := len(problems) - mostProblems; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		return nil, fail(BadTemplate, images, "%s", text)
	}
	return opened, nil
}

// numberedImages are a folder's images by their numbers, and what is wrong with these.
func numberedImages(folder string) (map[int]string, []string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, fail(BadTemplate, folder, "cannot be read (%v); check the folder's rights", err)
	}
	images, problems := map[int]string{}, []string(nil)
	for _, entry := range entries {
		suffix := filepath.Ext(entry.Name())
		number, err := strconv.ParseUint(strings.TrimSuffix(entry.Name(), suffix), 10, 31)
		if err != nil || !slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(suffix)) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		if _, twice := images[int(number)]; twice {
			problems = append(problems, fmt.Sprintf("%s: frame %d is there twice", path, number))
		}
		images[int(number)] = path
	}
	numbers := slices.Sorted(maps.Keys(images))
	if len(numbers) == 0 {
		return nil, nil, fail(BadTemplate, folder, "no frames; expected 0.jpg, 1.jpg, ... (or .png)")
	}
	if numbers[0] > 1 {
		problems = append(problems, fmt.Sprintf("the first frame is %d; frames are numbered from 0 or 1", numbers[0]))
	}
	var gaps []string
	for i, number := range numbers[1:] {
		for missing := numbers[i] + 1; missing < number && len(gaps) < mostGaps; missing++ {
			gaps = append(gaps, strconv.Itoa(missing))
		}
	}
	if len(gaps) > 0 {
		text := strings.Join(gaps, ", ")
		if more := numbers[len(numbers)-1] - numbers[0] + 1 - len(numbers) - len(gaps); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		problems = append(problems, "frames "+text+" are missing")
	}
	return images, problems, nil
}

// imageSize is what a complete image's header states; of a large file only the beginning and the end are read.
func imageSize(path string) (width, height int, err error) {
	found, err := os.Stat(path)
	if err != nil || !found.Mode().IsRegular() {
		return 0, 0, fail(BadTemplate, path, "expected an image file")
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, fail(BadTemplate, path, "cannot be read (%v); check the file's rights", err)
	}
	defer file.Close()
	size := min(found.Size(), mostImageSize)
	data := make([]byte, min(size, headBytes))
	_, err = io.ReadFull(file, data)
	if err == nil && size > headBytes {
		if bytes.HasPrefix(data, []byte(pngSignature)) || hasJPEGSize(data) {
			data = append(data, make([]byte, tailBytes)...)
			_, err = file.ReadAt(data[headBytes:], found.Size()-tailBytes)
		} else {
			data = append(data, make([]byte, size-headBytes)...)
			_, err = io.ReadFull(file, data[headBytes:])
		}
	}
	if err != nil {
		return 0, 0, fail(BadTemplate, path, "cannot be read (%v); check the file", err)
	}
	width, height, err = readHeader(data, path, "")
	return width, height, templateError(path, err)
}

func hasJPEGSize(data []byte) bool {
	width, _ := jpegSize(data)
	return width >= 0
}

// templateError turns a refusal of the image at path into the error that names it.
func templateError(path string, err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	reason := strings.TrimLeft(strings.TrimPrefix(r.reason, path), ": ")
	return &Error{Kind: BadTemplate, Path: path, Reason: reason + "; write or copy it again"}
}

func (t *templateFolder) size() (width, height, count int) { return t.width, t.height, len(t.images) }

func (t *templateFolder) box(index int) CropBox { return t.boxes[index] }

func (t *templateFolder) read(index int, image []byte) ([]byte, error) {
	path := t.images[index]
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(BadTemplate, path, "cannot be read (%v); check the file", err)
	}
	return nil, templateError(path, decodeImage(data, path, "", t.width, t.height, image))
}
