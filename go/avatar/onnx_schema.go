package avatar

import "math"

// part is what onnx.proto knows of a field: what it holds, and how often.
type part struct {
	kind    partKind
	list    bool
	packed  bool
	message *schema // of kind partMessage
	oneOf   bool    // only one of the message's fields of this sort may be there
}

type partKind int

const (
	partInt32 partKind = iota
	partInt64
	partUint64
	partFloat
	partDouble
	partBytes // texts too, and messages that nobody looks into because they are refused wherever they stand
	partMessage
)

// schema gives the fields of a message by number.
type schema map[int]part

// The part of onnx.proto that programs may use: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. What is not here is
// refused as bytes that the check does not see and a runtime may.
var (
	text, textList = part{kind: partBytes}, part{kind: partBytes, list: true}
	int32Part      = part{kind: partInt32}
	int64Part      = part{kind: partInt64}

	stringEntry   = schema{1: text, 2: text}
	stringEntries = listOf(&stringEntry)
	operatorSet   = schema{1: text, 2: int64Part}
	dimension     = schema{1: {kind: partInt64, oneOf: true}, 2: {kind: partBytes, oneOf: true}, 3: text}
	tensorShapes  = schema{1: listOf(&dimension)}
	tensorType    = schema{1: int32Part, 2: one(&tensorShapes)}
	typeSchema    = schema{1: one(&tensorType), 6: text}
	valueInfo     = schema{1: text, 2: one(&typeSchema), 3: text, 4: stringEntries}
	tensorMessage = schema{
		1: {kind: partInt64, list: true}, 2: int32Part, 4: packed(partFloat), 5: packed(partInt32), 6: textList,
		7: packed(partInt64), 8: text, 9: text, 10: packed(partDouble), 11: packed(partUint64), 12: text, 13: stringEntries,
		14: int32Part, 16: stringEntries,
	}
	attributeMessage = schema{
		1: text, 2: {kind: partFloat}, 3: int64Part, 4: text, 5: one(&tensorMessage), 6: text, 7: {kind: partFloat, list: true},
		8: {kind: partInt64, list: true}, 9: textList, 10: listOf(&tensorMessage), 11: textList, 13: text, 20: int32Part,
		22: text, 23: textList,
	}
	nodeMessage = schema{
		1: textList, 2: textList, 3: text, 4: text, 5: listOf(&attributeMessage), 6: text, 7: text, 9: stringEntries,
	}
	tensorAnnotation = schema{1: text, 2: stringEntries}
	graphMessage     = schema{
		1: listOf(&nodeMessage), 2: text, 5: listOf(&tensorMessage), 10: text, 11: listOf(&valueInfo), 12: listOf(&valueInfo),
		13: listOf(&valueInfo), 14: listOf(&tensorAnnotation), 15: textList, 16: stringEntries,
	}
	modelMessage = schema{
		1: int64Part, 2: text, 3: text, 4: text, 5: int64Part, 6: text, 7: one(&graphMessage), 8: listOf(&operatorSet),
		14: stringEntries, 20: textList, 25: textList,
	}
)

func one(message *schema) part    { return part{kind: partMessage, message: message} }
func listOf(message *schema) part { return part{kind: partMessage, message: message, list: true} }
func packed(kind partKind) part   { return part{kind: kind, list: true, packed: true} }

// checkCanonical refuses bytes that are not what protobuf writes for a message: unknown fields, groups, fields in another
// order, fields twice that are no lists, integers in a longer form. So what is checked is what every reader sees.
func checkCanonical(message []byte, known schema) error {
	previous, chosen := 0, false
	for len(message) > 0 {
		key, rest, ok := readInteger(message)
		if !ok || key >= 1<<32 {
			return errNoProgram
		}
		number := int(key >> 3)
		part, there := known[number]
		if !there || number < previous || number == previous && (!part.list || part.packed) || part.oneOf && chosen {
			return errNoProgram
		}
		previous, chosen = number, chosen || part.oneOf
		content, rest, ok := part.read(int(key&7), rest)
		if !ok {
			return errNoProgram
		}
		if part.kind == partMessage {
			if err := checkCanonical(content, *part.message); err != nil {
				return err
			}
		}
		message = rest
	}
	return nil
}

// read gives a field's content, if it is as protobuf writes it, and what follows it.
func (p part) read(wire int, message []byte) (content, rest []byte, ok bool) {
	if !p.packed && p.kind != partBytes && p.kind != partMessage {
		rest, ok = p.kind.read(message)
		return nil, rest, ok && wire == p.kind.wire()
	}
	length, rest, ok := readInteger(message)
	if wire != 2 || !ok || length > uint64(len(rest)) || p.packed && length == 0 {
		return nil, nil, false
	}
	content, rest = rest[:length], rest[length:]
	for numbers := content; p.packed && len(numbers) > 0; {
		if numbers, ok = p.kind.read(numbers); !ok {
			return nil, nil, false
		}
	}
	return content, rest, true
}

func (k partKind) wire() int { return map[partKind]int{partFloat: 5, partDouble: 1}[k] }

// read passes over a number.
func (k partKind) read(message []byte) ([]byte, bool) {
	switch size := map[partKind]int{partFloat: 4, partDouble: 8}[k]; {
	case size > len(message):
		return nil, false
	case size > 0:
		return message[size:], true
	}
	value, rest, ok := readInteger(message)
	if signed := int64(value); k == partInt32 && (signed < math.MinInt32 || signed > math.MaxInt32) {
		return nil, false
	}
	return rest, ok
}
