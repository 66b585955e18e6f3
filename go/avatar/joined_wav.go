package avatar

import (
	"bufio"
	"bytes"
	"io"
	"os"
)

const (
	unstatedSize = 0xFFFF_FF00 // from this size on, and at 0, a header does not know how long its audio is
	wavHead      = 12          // bytes
)

// isJoined tells whether a WAV file holds more than its header states, as those do that were written one after another
// into one file, or whose header knows the first piece alone.
func isJoined(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	found, err := file.Stat()
	if err != nil {
		return false
	}
	wav, err := readWAVHeader(&counted{reader: bufio.NewReader(file)})
	if err != nil {
		return false
	}
	end := wav.start + wav.size
	if wav.size == 0 || wav.size >= unstatedSize || end > found.Size() {
		return holdsWAV(io.NewSectionReader(file, wav.start, found.Size()-wav.start))
	}
	behind := end + wav.size%2
	if isWAV(file, end) || isWAV(file, behind) {
		return true
	}
	at := behind
	for head := make([]byte, 8); ; { // what is said of the audio comes behind it
		if _, err := file.ReadAt(head, at); err != nil {
			break
		}
		next := at + 8 + int64(little.Uint32(head[4:]))
		if bytes.ContainsFunc(head[:4], func(letter rune) bool { return letter < 32 || letter > 126 }) || next > found.Size() {
			break
		}
		at = next + next%2
		if isWAV(file, at) {
			return true
		}
	}
	return at == behind && found.Size()-end >= 8
}

func isWAV(file io.ReaderAt, at int64) bool {
	head := make([]byte, wavHead)
	_, err := file.ReadAt(head, at)
	return err == nil && startsWAV(head)
}

func startsWAV(head []byte) bool {
	return len(head) >= wavHead && string(head[:4]) == "RIFF" && string(head[8:wavHead]) == "WAVE"
}

// holdsWAV tells whether the header of a WAV file is anywhere in what is read.
func holdsWAV(reader io.Reader) bool {
	block := make([]byte, 1<<20)
	kept := 0 // bytes of the block before, in which a header may begin
	for {
		count, err := io.ReadFull(reader, block[kept:])
		data := block[:kept+count]
		for at := 0; ; at++ {
			found := bytes.Index(data[at:], []byte("RIFF"))
			if found < 0 {
				break
			}
			if at += found; startsWAV(data[at:]) {
				return true
			}
		}
		if err != nil {
			return false
		}
		kept = copy(block, data[len(data)-wavHead+1:])
	}
}
