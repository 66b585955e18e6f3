package avatar

import (
	"os"
	"testing"
)

func TestOnlyWhatProtobufWritesIsAProgram(t *testing.T) {
	data, err := os.ReadFile(at("avatars/ave-160/programs/audio.onnx"))
	must(t, err)
	must(t, checkCanonical(data, modelMessage))
	entry := []byte{0x72, 4, 0x0A, 0, 0x12, 0} // of metadata_props, which comes last
	must(t, checkCanonical(append(data[:len(data):len(data)], entry...), modelMessage))
	for name, more := range map[string][]byte{
		"unknown field":           {0x48, 1},
		"field that comes before": {0x08, 8},
		"field twice":             {0xA2, 1, 0, 0x3A, 0},
		"group":                   {0x73, 0x74},
		"another wire type":       {0x70, 1},
		"longer integer":          {0x72, 0x80, 0},
		"cut off":                 {0x72, 9},
		"unknown field inside":    {0x72, 2, 0x18, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if checkCanonical(append(data[:len(data):len(data)], more...), modelMessage) == nil {
				t.Error("not refused")
			}
		})
	}
	for name, c := range map[string]struct {
		message []byte
		known   schema
	}{
		"two of a oneof":            {[]byte{0x08, 1, 0x12, 1, 'n'}, dimension},
		"type beyond 32 bits":       {[]byte{0x08, 0x80, 0x80, 0x80, 0x80, 0x10}, tensorType},
		"numbers that are unpacked": {[]byte{0x25, 0, 0, 0x80, 0x3F}, tensorMessage},
		"packed numbers cut off":    {[]byte{0x22, 3, 0, 0, 0}, tensorMessage},
	} {
		t.Run(name, func(t *testing.T) {
			if checkCanonical(c.message, c.known) == nil {
				t.Error("not refused")
			}
		})
	}
	must(t, checkCanonical([]byte{0x22, 4, 0, 0, 0x80, 0x3F}, tensorMessage))
	must(t, checkCanonical([]byte{0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}, tensorType)) // -1
}

func TestNoValueThatIsNotFinitePasses(t *testing.T) {
	largest := map[uint64]uint64{elementFloat32: 0xFF7FFFFF, 10: 0xFBFF, 11: 0xFFEFFFFFFFFFFFFF, 16: 0xFF7F}
	for number, kind := range floatKinds {
		whole := make([]byte, 0, 9*kind.size)
		for range 9 {
			whole = append(whole, little.AppendUint64(nil, largest[number])[:kind.size]...)
		}
		for count := range 10 {
			values := whole[:count*kind.size]
			if !finite(values, kind) {
				t.Errorf("type %d: %d values that are finite are refused", number, count)
			}
			for i := range count {
				for _, bits := range []uint64{kind.exponent, kind.exponent + 1, largest[number] + 1} {
					wrong := append([]byte(nil), values...)
					copy(wrong[i*kind.size:], little.AppendUint64(nil, bits)[:kind.size])
					if finite(wrong, kind) {
						t.Errorf("type %d: value %d of %d is not finite and passes", number, i, count)
					}
				}
			}
		}
	}
}
