package avatar

// Fields of a tensor that say what its values are, as onnx.proto numbers them.
const tensorKind, tensorFloats, tensorIntegers, tensorName, tensorRaw, tensorDoubles = 2, 4, 5, 8, 9, 10

// floatKind is one of ONNX's float types: the bytes of a value, the bits that are all set in NaN and in infinity, and a one
// in each value of eight bytes.
type floatKind struct {
	size           int
	exponent, ones uint64
}

var floatKinds = map[uint64]floatKind{ // by ONNX's number
	elementFloat32: {4, 0x7F800000, 0x0000000100000001},
	10:             {2, 0x7C00, 0x0001000100010001}, // float16
	11:             {8, 0x7FF0000000000000, 1},
	16:             {2, 0x7F80, 0x0001000100010001}, // bfloat16
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
	exponents := kind.exponent * kind.ones
	step := (kind.exponent & -kind.exponent) * kind.ones // the lowest bit of each exponent
	signs := exponents + step                            // which only exponents that are all ones reach by one step
	whole := len(values) - len(values)%kind.size
	for at := 0; at < whole; at += 8 {
		eight := values[at:whole]
		if len(eight) < 8 {
			eight = append(append([]byte(nil), eight...), make([]byte, 8)...)
		}
		if (little.Uint64(eight)&exponents+step)&signs != 0 {
			return false
		}
	}
	return true
}
