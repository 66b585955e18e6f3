package avatar

// Fields of a tensor that say what its values are, as onnx.proto numbers them.
const tensorKind, tensorFloats, tensorIntegers, tensorName, tensorRaw, tensorDoubles = 2, 4, 5, 8, 9, 10

// floatKind is one of ONNX's float types: the bytes of a value, and the bits that are all set in NaN and in infinity.
type floatKind struct {
	size     int
	exponent uint64
}

var floatKinds = map[uint64]floatKind{ // by ONNX's number
	elementFloat32: {4, 0x7F800000},
	10:             {2, 0x7C00}, // float16
	11:             {8, 0x7FF0000000000000},
	16:             {2, 0x7F80}, // bfloat16
}

// tensorIsFinite tells whether no value of a tensor is NaN or infinite; other than the float types have no such values.
func tensorIsFinite(fields []field) bool {
	kind, isFloat := floatKind{}, false
	for _, part := range fields {
		if part.number == tensorKind && part.content == nil {
			kind, isFloat = floatKinds[part.integer]
		}
	}
	if !isFloat {
		return true
	}
	if !finite(last(fields, tensorRaw), kind) || !finite(last(fields, tensorFloats), floatKinds[elementFloat32]) ||
		!finite(last(fields, tensorDoubles), floatKinds[11]) {
		return false
	}
	for numbers := last(fields, tensorIntegers); len(numbers) > 0; { // of 16 bits each, one integer a value
		bits, rest, ok := readInteger(numbers)
		if !ok || bits&kind.exponent == kind.exponent {
			return false
		}
		numbers = rest
	}
	return true
}

// finite tells whether none of these little-endian values is NaN or infinite.
func finite(values []byte, kind floatKind) bool {
	for ; len(values) >= kind.size; values = values[kind.size:] {
		var bits uint64
		switch kind.size {
		case 2:
			bits = uint64(little.Uint16(values))
		case 4:
			bits = uint64(little.Uint32(values))
		default:
			bits = little.Uint64(values)
		}
		if bits&kind.exponent == kind.exponent {
			return false
		}
	}
	return true
}
