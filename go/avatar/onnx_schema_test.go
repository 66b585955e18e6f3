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
