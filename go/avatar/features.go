package avatar

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const mostHeader = 1 << 16 // bytes of a .npy file's description

// Features are all features of a recording; or whole windows, one for each frame, as SyncTalk_2D's ports take them too.
type Features struct {
	Spec   AudioSpec
	whole  bool
	values []float32 // (N, F), or (N, 16, F) of whole windows
}

// NewFeatures are features or whole windows of type spec: rows of F or of 16 F values, which are copied.
func NewFeatures(spec AudioSpec, rows [][]float32) (*Features, error) {
	var values []float32
	for i, row := range rows {
		if len(row) != len(rows[0]) {
			return nil, fail(BadFeatures, "", "row %d of the features has %d values, the first one %d; give all the same", i, len(row), len(rows[0]))
		}
		values = append(values, row...)
	}
	shape := []int{len(rows), 0}
	if len(rows) > 0 {
		shape[1] = len(rows[0])
	}
	return newFeatures("", spec, values, shape)
}

func newFeatures(path string, spec AudioSpec, values []float32, shape []int) (*Features, error) {
	size := product(shape[1:])
	whole := size == Window*spec.FeatureSize
	if shape[0] < 1 || size != spec.FeatureSize && !whole {
		return nil, fail(BadFeatures, path, "holds values of shape %v; expected %s features (N, %s)", shape, spec.Name,
			strings.Trim(strings.ReplaceAll(fmt.Sprint(spec.shape), " ", ", "), "[]"))
	}
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fail(BadFeatures, path, "holds values that are not finite numbers; extract the features again")
		}
	}
	return &Features{spec, whole, values}, nil
}

// Len is the number N of features or windows, one for each frame.
func (f *Features) Len() int {
	if f.whole {
		return len(f.values) / (Window * f.Spec.FeatureSize)
	}
	return len(f.values) / f.Spec.FeatureSize
}

// Rows gives the values of each frame: F of a feature, or 16 F of a whole window. They must not be changed.
func (f *Features) Rows() iter.Seq[[]float32] { return slices.Chunk(f.values, len(f.values)/f.Len()) }

// window is what the generator sees for frame index, (16, F); beyond the end there are zeros.
func (f *Features) window(index int) []float32 {
	if !f.whole {
		return f.Spec.featureWindow(f.values, index)
	}
	size := Window * f.Spec.FeatureSize
	if index >= f.Len() {
		return make([]float32, size)
	}
	return f.values[index*size : (index+1)*size]
}

// LoadFeatures reads a .npy file, or a raw little-endian float32 .bin beside its .bin.json, of features of type spec.
// A file may also hold whole windows of that type. They are held in memory, 4 bytes for each value.
func LoadFeatures(path string, spec AudioSpec) (*Features, error) {
	if found, err := os.Stat(path); err != nil || !found.Mode().IsRegular() {
		return nil, fail(MissingFile, path, "no such feature file; give a .npy, or a .bin beside its .bin.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(BadFeatures, path, "cannot be read (%v); check the file's rights", err)
	}
	var values []float32
	var shape []int
	switch {
	case strings.HasSuffix(path, ".npy"):
		values, shape, err = readNPY(data)
	case strings.HasSuffix(path, ".bin"):
		values, shape, err = readBIN(data, path+".json")
	default:
		return nil, fail(BadFeatures, path, "unknown kind of feature file; expected .npy, or .bin beside its .bin.json")
	}
	if err != nil {
		return nil, fail(BadFeatures, path, "not readable (%s); extract the features again", shown(err.Error()))
	}
	return newFeatures(path, spec, values, shape)
}

func product(lengths []int) int {
	total := 1
	for _, length := range lengths {
		if length < 0 || length > 1<<40 || total > 1<<40 {
			return -1
		}
		total *= length
	}
	return total
}

var (
	npyType  = regexp.MustCompile(`'descr':\s*'([<|>=]?)(f[248])'`)
	npyOrder = regexp.MustCompile(`'fortran_order':\s*False`)
	npyShape = regexp.MustCompile(`'shape':\s*\(([0-9, ]*)\)`)
)

// readNPY reads NumPy's format (numpy.lib.format), little-endian float32 or float64 in C order.
func readNPY(data []byte) ([]float32, []int, error) {
	if len(data) < 10 || !bytes.HasPrefix(data, []byte("\x93NUMPY")) {
		return nil, nil, fmt.Errorf("it is no .npy file")
	}
	length, start := int(little.Uint16(data[8:])), 10
	if data[6] >= 2 {
		if len(data) < 12 {
			return nil, nil, fmt.Errorf("it is cut off")
		}
		length, start = int(little.Uint32(data[8:])), 12
	}
	if length > mostHeader || start+length > len(data) {
		return nil, nil, fmt.Errorf("it is cut off")
	}
	header, content := string(data[start:start+length]), data[start+length:]
	kind, order, lengths := npyType.FindStringSubmatch(header), npyOrder.MatchString(header), npyShape.FindStringSubmatch(header)
	if kind == nil || kind[1] == ">" || kind[2] == "f2" || !order || lengths == nil {
		return nil, nil, fmt.Errorf("expected little-endian float32 or float64 values in C order")
	}
	var shape []int
	for part := range strings.SplitSeq(lengths[1], ",") {
		if part = strings.TrimSpace(part); part != "" {
			length, err := strconv.Atoi(part)
			if err != nil {
				return nil, nil, err
			}
			shape = append(shape, length)
		}
	}
	width := int(kind[2][1] - '0')
	if len(shape) == 0 || product(shape) < 0 || product(shape)*width != len(content) {
		return nil, nil, fmt.Errorf("its size does not agree with its shape %v", shape)
	}
	return floats(content, width), shape, nil
}

// readBIN reads the raw values beside which description states num_frames, feature_size and shape.
func readBIN(data []byte, description string) ([]float32, []int, error) {
	text, err := os.ReadFile(description)
	if err != nil {
		return nil, nil, err
	}
	var stated struct {
		Frames int   `json:"num_frames"`
		Size   int   `json:"feature_size"`
		Shape  []int `json:"shape"`
	}
	if err := json.Unmarshal(text, &stated); err != nil {
		return nil, nil, err
	}
	shape := []int{stated.Frames, stated.Size}
	if stated.Frames < 1 || stated.Size < 1 || product(shape) < 0 || product(shape)*4 != len(data) || product(stated.Shape)*4 != len(data) {
		return nil, nil, fmt.Errorf("its size does not agree with %d features of %d values", stated.Frames, stated.Size)
	}
	return floats(data, 4), shape, nil
}

// floats are little-endian float32 or float64 values, width bytes each.
func floats(data []byte, width int) []float32 {
	values := make([]float32, len(data)/width)
	for i := range values {
		if width == 4 {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		} else {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
		}
	}
	return values
}
