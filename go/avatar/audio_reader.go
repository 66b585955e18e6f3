package avatar

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
)

const (
	pieceFrames = 4096 // samples of each channel that are read at once
	mostChannels,
	lowestRate, highestRate = 8, 1000, 768_000 // Hz
	pcm, extensible = 1, 0xFFFE // WAV's format tags
)

// audioFormats are those of ffmpeg's that hold audio by themselves: none that leads to other files or to devices.
const audioFormats = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg," +
	"mpegts,ogg,opus,tta,w64,wav,wv"

// AudioInfo is what decoding the first audio stream of a file gave.
type AudioInfo struct {
	Path              string
	SampleRate        int // Hz, as decoded
	Channels, Samples int // samples of each channel
	downmix           downmix
}

// Duration is in seconds: exactly the decoded samples over their rate.
func (a AudioInfo) Duration() float64 { return float64(a.Samples) / float64(a.SampleRate) }

// wavFile is what the header of a WAV file states.
type wavFile struct {
	rate, channels, bits int
	mask                 uint32 // of speakers, as WAVEFORMATEXTENSIBLE has it; 0 where the file does not say
	float                bool
	start, size          int64 // of the samples; the size is what is there
}

// decoder takes pieces of audio as they are decoded: interleaved, full scale is [-1, 1]. format: rate, channels and mask.
type decoder func(format wavFile, samples []float32) error

// probeAudio decodes the first audio stream once, from end to end, so that a broken file is found before long work, and
// tells how its channels become one. mean: as the mean of them all, as packages before version 3 have it.
func probeAudio(ctx context.Context, path, ffmpeg string, mean bool) (AudioInfo, error) {
	if err := checkAudio(path); err != nil {
		return AudioInfo{}, err
	}
	wav, plain := openWAV(path)
	if plain && (mean || wav.channels == 1) {
		return AudioInfo{path, wav.rate, wav.channels, int(wav.size) / (2 * wav.channels), downmix{mean: true}}, nil
	}
	info := AudioInfo{Path: path}
	var channels *cancellation
	push := func(format wavFile, samples []float32) error {
		if channels == nil {
			channels = newCancellation(format)
		}
		info.SampleRate, info.Channels = format.rate, format.channels
		info.Samples += len(samples) / format.channels
		channels.push(samples)
		return nil
	}
	var err error
	if plain {
		err = wav.read(ctx, path, push)
	} else {
		err = decodeWith(ctx, ffmpeg, path, false, push)
	}
	if err == nil && info.Samples == 0 {
		err = fail(BadAudio, path, "no audio could be decoded, it is empty or damaged; give an audio file")
	}
	if err != nil {
		return AudioInfo{}, err
	}
	if info.downmix = channels.downmix(); mean {
		info.downmix = downmix{mean: true}
	}
	return info, nil
}

func checkAudio(path string) error {
	found, err := os.Stat(path)
	switch {
	case err != nil:
		return fail(MissingFile, path, "no such file; give an audio file or a video with an audio track")
	case found.IsDir():
		return fail(BadAudio, path, "is a folder; give an audio file or a video with an audio track")
	case found.Size() == 0:
		return fail(BadAudio, path, "is an empty file; give an audio file or a video with an audio track")
	case isJoined(path):
		return fail(BadAudio, path, "holds more audio than its header states, as WAV files do that were joined or streamed;"+
			" write it as one whole file, or use framegen, which reads it to the end")
	}
	return nil
}

// decodeAudio gives the first audio stream in pieces: mono, 16 kHz, full scale is [-1, 1].
func decodeAudio(ctx context.Context, info AudioInfo, ffmpeg string, yield func([]float32) error) error {
	mixed := func(format wavFile, samples []float32) error { return yield(info.downmix.mix(format, samples)) }
	if wav, ok := openWAV(info.Path); ok {
		return wav.read(ctx, info.Path, mixed)
	}
	given, wanted := 0, int(math.Ceil(float64(info.Samples)*(float64(SampleRate)/float64(info.SampleRate))))
	err := decodeWith(ctx, ffmpeg, info.Path, true, func(format wavFile, samples []float32) error {
		samples = samples[:min(len(samples), (wanted-given)*format.channels)]
		given += len(samples) / format.channels
		if len(samples) == 0 {
			return nil
		}
		return mixed(format, samples)
	})
	if err == nil && given < wanted {
		err = yield(make([]float32, wanted-given))
	}
	return err
}

// openWAV tells whether path is a WAV file that needs no ffmpeg: 16 bits, 16 kHz, all of its samples there.
func openWAV(path string) (wavFile, bool) {
	file, err := os.Open(path)
	if err != nil {
		return wavFile{}, false
	}
	defer file.Close()
	found, err := file.Stat()
	if err != nil {
		return wavFile{}, false
	}
	wav, err := readWAVHeader(&counted{reader: bufio.NewReader(file)})
	ok := err == nil && wav.bits == 16 && !wav.float && wav.rate == SampleRate && wav.size > 0 &&
		wav.start+wav.size <= found.Size() && wav.size%int64(2*wav.channels) == 0
	return wav, ok
}

// counted reads and knows how far it is.
type counted struct {
	reader *bufio.Reader
	at     int64
}

func (c *counted) take(count int64) ([]byte, error) {
	data := make([]byte, count)
	_, err := io.ReadFull(c.reader, data)
	c.at += count
	return data, err
}

func (c *counted) skip(count int64) error {
	skipped, err := io.CopyN(io.Discard, c.reader, count)
	c.at += skipped
	return err
}

// readWAVHeader reads a RIFF WAVE file up to its samples.
func readWAVHeader(c *counted) (wavFile, error) {
	wav := wavFile{}
	start, err := c.take(12)
	if err != nil || string(start[:4]) != "RIFF" || string(start[8:]) != "WAVE" {
		return wav, errors.New("no WAV")
	}
	for range 1000 {
		head, err := c.take(8)
		if err != nil {
			return wav, err
		}
		size := int64(little.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			if size < 16 || size > 4096 {
				return wav, errors.New("an unknown format")
			}
			content, err := c.take(size + size%2)
			if err != nil {
				return wav, err
			}
			tag := little.Uint16(content)
			if tag == extensible && size >= 26 {
				wav.mask, tag = little.Uint32(content[20:]), little.Uint16(content[24:])
			}
			wav.float = tag != pcm
			wav.channels, wav.rate = int(little.Uint16(content[2:])), int(little.Uint32(content[4:]))
			wav.bits = int(little.Uint16(content[14:]))
		case "data":
			if wav.channels < 1 || wav.channels > mostChannels || wav.rate < lowestRate || wav.rate > highestRate {
				return wav, fmt.Errorf("%d channels at %d Hz; expected 1 to 8 at 1000 to 768000", wav.channels, wav.rate)
			}
			wav.start, wav.size = c.at, size
			return wav, nil
		default:
			if err := c.skip(size + size%2); err != nil {
				return wav, err
			}
		}
	}
	return wav, errors.New("too many parts")
}

func (w wavFile) read(ctx context.Context, path string, yield decoder) error {
	file, err := os.Open(path)
	if err != nil {
		return fail(BadAudio, path, "cannot be read (%v); check the file's rights", err)
	}
	defer file.Close()
	section := io.NewSectionReader(file, w.start, w.size)
	data := make([]byte, 2*w.channels*pieceFrames)
	for ctx.Err() == nil {
		count, err := io.ReadFull(section, data)
		if count > 0 {
			values := make([]float32, count/2)
			for i := range values {
				values[i] = float32(int16(little.Uint16(data[2*i:]))) / 32768
			}
			if err := yield(w, values); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return fail(BadAudio, path, "cannot be read (%v); check the file", err)
		}
	}
	return ctx.Err()
}

// findFFmpeg gives the ffmpeg binary: what is given, or the one on the PATH.
func findFFmpeg(given string) (string, error) {
	name := given
	if name == "" {
		name = "ffmpeg"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fail(MissingFile, name, "ffmpeg is needed for videos, and for audio other than 16-bit WAV at 16 kHz; install it"+
			" (Debian: apt-get install ffmpeg) or write a folder of frames (--frames-dir) from such a WAV")
	}
	return path, nil
}

// inputOptions keep ffmpeg from reading any other file on behalf of the one that it is given.
func inputOptions(path string) []string {
	return []string{"-format_whitelist", audioFormats, "-protocol_whitelist", "file,pipe", "-i", "file:" + path}
}

// decodeWith decodes with ffmpeg, at the source's rate or resampled to 16 kHz by soxr.
func decodeWith(ctx context.Context, ffmpeg, path string, resample bool, yield decoder) error {
	binary, err := findFFmpeg(ffmpeg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arguments := append([]string{"-nostdin", "-v", "error"}, inputOptions(path)...)
	arguments = append(arguments, "-map", "0:a:0", "-vn")
	if resample {
		arguments = append(arguments, "-af", fmt.Sprintf("aresample=%d:resampler=soxr:precision=20", SampleRate))
	}
	arguments = append(arguments, "-c:a", "pcm_f32le", "-f", "wav", "pipe:1")
	command := exec.CommandContext(ctx, binary, arguments...)
	var complaint tail
	command.Stderr = &complaint
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fail(MissingFile, binary, "cannot be run (%v); give another ffmpeg", err)
	}
	err = readFloats(output, path, yield)
	if err != nil {
		cancel()
	}
	waited := command.Wait()
	var known *Error
	switch {
	case errors.As(err, &known) || err == nil && waited == nil:
		return err
	case context.Cause(ctx) != nil && err == nil:
		return context.Cause(ctx)
	case complaint.text() != "" || err == errNoAudio:
		return fail(BadAudio, path, "cannot be decoded (%s); give an intact audio or video file", shown(complaint.text()))
	}
	return err
}

var errNoAudio = errors.New("no audio")

func readFloats(output io.Reader, path string, yield decoder) error {
	c := &counted{reader: bufio.NewReaderSize(output, 1<<16)}
	wav, err := readWAVHeader(c)
	if err != nil {
		return errNoAudio
	}
	data := make([]byte, 4*wav.channels*pieceFrames)
	for {
		count, err := io.ReadFull(c.reader, data)
		count -= count % (4 * wav.channels)
		if count > 0 {
			values := make([]float32, count/4)
			for i := range values {
				values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
				if v := float64(values[i]); math.IsNaN(v) || math.IsInf(v, 0) {
					return fail(BadAudio, path, "holds samples that are not finite numbers; export it again")
				}
			}
			if err := yield(wav, values); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tail keeps the first line that a program complains with.
type tail struct{ data []byte }

func (t *tail) Write(data []byte) (int, error) {
	if room := 4096 - len(t.data); room > 0 {
		t.data = append(t.data, data[:min(room, len(data))]...)
	}
	return len(data), nil
}

func (t *tail) text() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.data)), "\n")
	return line
}
