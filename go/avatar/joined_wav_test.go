package avatar

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wavBytes is a WAV file of 16 kHz with so many samples, whose header states another number of bytes where stated is not negative.
func wavBytes(samples, stated int, behind ...byte) []byte {
	if stated < 0 {
		stated = 2 * samples
	}
	file := append([]byte("RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data"),
		little.AppendUint32(nil, uint32(stated))...)
	return append(append(file, bytes.Repeat([]byte{7, 1}, samples)...), behind...)
}

func TestJoinedWAVsAreRefused(t *testing.T) {
	whole := wavBytes(1600, -1)
	list := []byte("LIST\x04\x00\x00\x00INFO")
	for name, test := range map[string]struct {
		data   []byte
		joined bool
	}{
		"whole":                      {whole, false},
		"cut off":                    {whole[:1000], false},
		"with what is said of it":    {append(bytes.Clone(whole), list...), false},
		"with a few bytes behind":    {append(bytes.Clone(whole), 0, 0, 0), false},
		"streamed, size not known":   {wavBytes(1600, 0xFFFF_FFFF), false},
		"of size 0":                  {wavBytes(1600, 0), false},
		"of float":                   {bytes.Replace(whole, []byte("\x10\x00\x00\x00\x01"), []byte("\x10\x00\x00\x00\x03"), 1), false},
		"two":                        {append(bytes.Clone(whole), whole...), true},
		"two with something between": {append(append(bytes.Clone(whole), list...), whole...), true},
		"two of unknown size":        {append(wavBytes(600_000, 0xFFFF_FFFF), wavBytes(9, 0)...), true},
		"the size of a first piece":  {wavBytes(1600, 200), true},
	} {
		path := filepath.Join(t.TempDir(), "a.wav")
		must(t, os.WriteFile(path, test.data, 0o600))
		err := checkAudio(path)
		if (err != nil) != test.joined || (err != nil && !strings.Contains(err.Error(), "more audio than its header states")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
