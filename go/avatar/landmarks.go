package avatar

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strconv"
)

const (
	landmarkCount                   = 110 // points of a face
	faceLeft, faceRight, noseBridge = 1, 31, 52
	mostLandmarkBytes               = 100_000 // of a landmark file; twenty times what is usual
	mostPosition                    = 1e6     // pixels
)

var landmarkNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// readLandmarks reads 110 lines of two numbers, x and y in pixels, truncated towards zero as the original does.
func readLandmarks(path string) ([landmarkCount][2]int, error) {
	var points [landmarkCount][2]int
	found, err := os.Stat(path)
	if err != nil || !found.Mode().IsRegular() {
		return points, fail(MissingFile, path, "no such landmark file")
	}
	expected := "expected 110 lines of two numbers"
	if found.Size() > mostLandmarkBytes {
		return points, fail(BadTemplate, path, "not a landmark file; %s", expected)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return points, fail(BadTemplate, path, "cannot be read (%v); check the file's rights", err)
	}
	count := 0
	for line := range bytes.Lines(data) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			continue
		}
		fields := bytes.Fields(line)
		if len(fields) != 2 {
			return points, fail(BadTemplate, path, "not a landmark file; %s", expected)
		}
		for axis, field := range fields {
			value, err := strconv.ParseFloat(string(field), 64)
			if err != nil || !landmarkNumber.Match(field) {
				return points, fail(BadTemplate, path, "not a landmark file; %s", expected)
			}
			if math.Abs(value) > mostPosition {
				return points, fail(BadTemplate, path, "has points that are no pixel positions")
			}
			if count < landmarkCount {
				points[count][axis] = int(value)
			}
		}
		count++
	}
	if count != landmarkCount {
		return points, fail(BadTemplate, path, "%d points; %s", count, expected)
	}
	return points, nil
}

// landmarkBox is the original's box: from one edge of the face to the other, downwards from the nose bridge.
func landmarkBox(points [landmarkCount][2]int) CropBox {
	left, right := points[faceLeft][0], points[faceRight][0]
	return CropBox{left, points[noseBridge][1], right - left}
}
