package avatar

import (
	"fmt"
	"slices"
)

// ONNX files are protocol buffers; of these only the few fields are read that decide. Numbers of fields and of types are
// those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
const (
	modelGraph, modelOpset, modelTraining, modelFunctions              = 7, 8, 20, 25
	opsetDomain                                                        = 1
	graphNode, graphTensor, graphInput, graphOutput, graphSparse       = 1, 5, 11, 12, 15
	nodeType, nodeAttribute, nodeDomain                                = 4, 5, 7
	attributeFloat, attributeFloats, attributeTensor, attributeTensors = 2, 7, 5, 10
	tensorExternal, tensorLocation                                     = 13, 14
	valueName, valueType                                               = 1, 2
	typeTensor, tensorElement, tensorShape, shapeDimension, dimensions = 1, 1, 2, 1, 1
)

var (
	attributeGraphs = []int{6, 11, 22, 23} // graphs, and sparse tensors
	controlFlow     = []string{"If", "Loop", "Scan", "SequenceMap"}
	elementBytes    = map[uint64]int64{1: 4, 2: 1, 7: 8, 10: 2} // float32, uint8, int64, float16: what programs take
	elementNames    = map[uint64]string{1: "float32", 2: "uint8", 7: "int64", 10: "float16"}
)

const free = -1 // a length that a program leaves open

// value is the element type and shape of what a program takes or gives.
type value struct {
	element uint64
	shape   []int64
}

func (v value) equal(other value) bool {
	return v.element == other.element && slices.Equal(v.shape, other.shape)
}

// bytes is its size with free lengths taken as 1, or more than any limit where that overflows.
func (v value) bytes() int64 {
	const most = 1 << 40
	total := elementBytes[v.element]
	for _, length := range v.shape {
		if length == free || length == 0 {
			continue
		}
		if length < 0 || length > most/total {
			return most
		}
		total *= length
	}
	return total
}

// signature is what a program takes and gives, by name.
type signature struct{ inputs, outputs map[string]value }

// field is one field of a message: its number, and content where it is text or a message, or else nil.
type field struct {
	number  int
	content []byte
	integer uint64
}

var errNoProgram = refuse(StagePrograms, "is no ONNX program")

// readSignature refuses what is not ONNX, and programs with control flow, with operators that are not ONNX's own, or with
// weights in other files.
func readSignature(data []byte) (signature, error) { return readModel(data, isStandard) }

// readModel is readSignature with operators of those domains that are known.
func readModel(data []byte, known func(domain []byte) bool) (signature, error) {
	parsed := signature{map[string]value{}, map[string]value{}}
	if len(data) >= 8 && string(data[4:8]) == "ORTM" { // by which ONNX Runtime knows its own format; a file can be both
		return parsed, errNoProgram
	}
	if err := checkCanonical(data, modelMessage); err != nil {
		return parsed, err
	}
	fields, err := readFields(data)
	if err != nil {
		return parsed, err
	}
	graphs := 0
	for _, part := range fields {
		switch {
		case part.content == nil:
		case part.number == modelGraph:
			graphs++
			if err := readGraph(part.content, known, parsed); err != nil {
				return parsed, err
			}
		case part.number == modelOpset:
			domain, err := lastPart(part.content, opsetDomain)
			if err != nil {
				return parsed, err
			}
			if !known(domain) {
				return parsed, refuse(StagePrograms, "uses operators of %s; expected ONNX's own alone", shown(string(domain)))
			}
		case part.number == modelTraining || part.number == modelFunctions:
			return parsed, refuse(StagePrograms, "defines functions or training steps; expected one plain graph")
		}
	}
	if graphs != 1 {
		return parsed, errNoProgram
	}
	return parsed, nil
}

func isStandard(domain []byte) bool { return len(domain) == 0 || string(domain) == "ai.onnx" }

func anyDomain([]byte) bool { return true }

func readGraph(graph []byte, known func(domain []byte) bool, parsed signature) error {
	fields, err := readFields(graph)
	if err != nil {
		return err
	}
	for _, part := range fields {
		if part.content == nil {
			continue
		}
		var err error
		switch part.number {
		case graphNode:
			err = checkNode(part.content, known)
		case graphTensor:
			err = checkTensor(part.content)
		case graphSparse:
			err = refuse(StagePrograms, "has sparse weights; expected plain ones")
		case graphInput:
			err = readValueInfo(part.content, parsed.inputs)
		case graphOutput:
			err = readValueInfo(part.content, parsed.outputs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkNode(node []byte, known func(domain []byte) bool) error {
	fields, err := readFields(node)
	if err != nil {
		return err
	}
	kind, domain := last(fields, nodeType), last(fields, nodeDomain)
	if !known(domain) {
		return refuse(StagePrograms, "uses operators of %s; expected ONNX's own alone", shown(string(domain)))
	}
	if slices.Contains(controlFlow, string(kind)) {
		return refuse(StagePrograms, "has control flow (%s); expected one plain graph", kind)
	}
	for _, attribute := range fields {
		if attribute.number != nodeAttribute || attribute.content == nil {
			continue
		}
		parts, err := readFields(attribute.content)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if part.content == nil {
				continue
			}
			if slices.Contains(attributeGraphs, part.number) {
				return refuse(StagePrograms, "has a graph or sparse weights inside of %s; expected plain operators", shown(string(kind)))
			}
			if part.number == attributeTensor || part.number == attributeTensors {
				if err := checkTensor(part.content); err != nil {
					return err
				}
			}
			isFloat := part.number == attributeFloat || part.number == attributeFloats
			if isFloat && !finite(part.content, floatKinds[elementFloat32]) {
				return refuse(StagePrograms, "has an attribute of %s that is no finite number", shown(string(kind)))
			}
		}
	}
	return nil
}

func checkTensor(tensor []byte) error {
	fields, err := readFields(tensor)
	if err == nil && !tensorIsFinite(fields) {
		name := shown(string(last(fields, tensorName)))
		return refuse(StagePrograms, "has weights %s with values that are not finite numbers", name)
	}
	for _, part := range fields {
		outside := part.number == tensorExternal || part.number == tensorLocation
		if outside && (len(part.content) > 0 || part.content == nil && part.integer != 0) {
			return refuse(StagePrograms, "has weights in another file; expected all inside of the program")
		}
	}
	return err
}

func readValueInfo(info []byte, values map[string]value) error {
	fields, err := readFields(info)
	if err != nil {
		return err
	}
	name := string(last(fields, valueName))
	tensor, err := lastPart(last(fields, valueType), typeTensor)
	if err != nil {
		return err
	}
	parts, err := readFields(tensor)
	if err != nil {
		return err
	}
	parsed := value{shape: []int64{}}
	for _, part := range parts {
		if part.number == tensorElement && part.content == nil {
			parsed.element = part.integer
		}
	}
	dimensions, err := readFields(last(parts, tensorShape))
	if err != nil {
		return err
	}
	for _, dimension := range dimensions {
		if dimension.number != shapeDimension || dimension.content == nil {
			continue
		}
		length, err := readDimension(dimension.content)
		if err != nil {
			return err
		}
		parsed.shape = append(parsed.shape, length)
	}
	for _, length := range parsed.shape {
		if length < free {
			return refuse(StagePrograms, "has %s of a negative length", shown(name))
		}
	}
	if elementBytes[parsed.element] == 0 {
		return refuse(StagePrograms, "takes or gives %s of another type than float32, uint8, int64, float16", shown(name))
	}
	if _, twice := values[name]; twice {
		return refuse(StagePrograms, "has %s twice", shown(name))
	}
	values[name] = parsed
	return nil
}

func readDimension(dimension []byte) (int64, error) {
	fields, err := readFields(dimension)
	length := int64(free)
	for _, part := range fields {
		if part.number == dimensions && part.content == nil {
			if length = int64(part.integer); length < 0 {
				length = free - 1 // which is no length, and is refused
			}
		}
	}
	return length, err
}

func lastPart(message []byte, number int) ([]byte, error) {
	fields, err := readFields(message)
	return last(fields, number), err
}

// last is the last text or message that is field number, empty where there is none.
func last(fields []field, number int) []byte {
	for _, part := range slices.Backward(fields) {
		if part.number == number && part.content != nil {
			return part.content
		}
	}
	return nil
}

// readFields gives a message's fields; fixed-width ones have content too, so that they are not taken for integers.
func readFields(message []byte) ([]field, error) {
	var fields []field
	for len(message) > 0 {
		key, rest, ok := readInteger(message)
		if !ok || key >= 1<<32 {
			return nil, errNoProgram
		}
		part := field{number: int(key >> 3)}
		length := uint64(0)
		switch key & 7 {
		case 0:
			if part.integer, rest, ok = readInteger(rest); !ok {
				return nil, errNoProgram
			}
			fields = append(fields, part)
			message = rest
			continue
		case 1:
			length = 8
		case 5:
			length = 4
		case 2:
			if length, rest, ok = readInteger(rest); !ok {
				return nil, errNoProgram
			}
		default:
			return nil, errNoProgram
		}
		if part.number == 0 || length > uint64(len(rest)) {
			return nil, errNoProgram
		}
		part.content = rest[:length:length]
		fields = append(fields, part)
		message = rest[length:]
	}
	return fields, nil
}

// readInteger reads a variable-length integer of at most 64 bits in its shortest form, and gives what follows it.
func readInteger(message []byte) (uint64, []byte, bool) {
	value := uint64(0)
	for i, b := range message {
		if i == 10 || i == 9 && b > 1 || b == 0 && i > 0 {
			return 0, nil, false
		}
		value |= uint64(b&0x7F) << (7 * i)
		if b < 0x80 {
			return value, message[i+1:], true
		}
	}
	return 0, nil, false
}

// described is a value for a message.
func (v value) described() string { return fmt.Sprintf("%s %v", elementNames[v.element], v.shape) }
