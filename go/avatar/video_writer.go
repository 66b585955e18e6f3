package avatar

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const defaultPreset = "superfast"

var presets = []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}

// container is what a video file's suffix decides.
type container struct {
	format, video, audio, audioRate string
	crf, mostCRF                    int // constant rate factor; lower is better and larger
}

var containers = map[string]container{
	".mp4":  {"mp4", "libx264", "aac", "192k", 20, 51},
	".m4v":  {"mp4", "libx264", "aac", "192k", 20, 51},
	".mov":  {"mov", "libx264", "aac", "192k", 20, 51},
	".mkv":  {"matroska", "libx264", "aac", "192k", 20, 51},
	".webm": {"webm", "libvpx-vp9", "libopus", "128k", 32, 63},
}

// rate is a number of frames a second, such as 30000/1001.
type rate struct{ over, under int }

func (r rate) String() string { return fmt.Sprintf("%d/%d", r.over, r.under) }

// exactRate is the nearest fraction with a denominator of at most 1001.
func exactRate(fps float64) (rate, error) {
	if !(fps >= 1 && fps <= 240) {
		return rate{}, fail(BadOption, "", "impossible frame rate %v; give 1 to 240 frames a second", fps)
	}
	best, nearest := rate{}, math.Inf(1)
	for under := 1; under <= 1001; under++ {
		over := math.Round(fps * float64(under))
		if apart := math.Abs(fps - over/float64(under)); apart < nearest {
			best, nearest = rate{int(over), under}, apart
		}
	}
	return best, nil
}

// videoWriter pipes frames to ffmpeg, which writes a file under another name until it is complete.
type videoWriter struct {
	path, temporary string
	kind            container
	provenance      bool
	width, height   int
	command         *exec.Cmd
	input           io.WriteCloser
	complaint       *tail
	row             []byte // of an odd width, made even
	done            bool
}

type videoOptions struct {
	audio         string // may be empty
	rate          rate
	seconds       float64 // of video; audio that ends before is followed by silence
	crf           int     // negative for the usual one
	preset        string
	provenance    bool
	ffmpeg        string
	width, height int
}

// widen lets a pipe hold a large part of a frame where the system can, so that its ends do not wait for each other all the time.
func widen(pipe io.WriteCloser) {
	const setPipeSize, bytes = 1031, 1 << 20 // F_SETPIPE_SZ of Linux, and what it allows everybody
	if file, ok := pipe.(*os.File); ok && runtime.GOOS == "linux" {
		if connection, err := file.SyscallConn(); err == nil {
			connection.Control(func(descriptor uintptr) { syscall.Syscall(syscall.SYS_FCNTL, descriptor, setPipeSize, bytes) })
		}
	}
}

// newVideoWriter checks everything and starts ffmpeg.
func newVideoWriter(ctx context.Context, path string, o videoOptions) (*videoWriter, error) {
	suffix := strings.ToLower(filepath.Ext(path))
	kind, known := containers[suffix]
	if !known {
		return nil, fail(BadOutput, path, "unknown video suffix %s; use one of .mp4, .m4v, .mov, .mkv, .webm", shown(suffix))
	}
	if o.crf > kind.mostCRF {
		return nil, fail(BadOption, "", "crf %d is impossible for %s; give 0 (best) to %d (smallest)", o.crf, kind.video, kind.mostCRF)
	}
	if !slices.Contains(presets, o.preset) {
		return nil, fail(BadOption, "", "unknown preset %s; use one of %s", shown(o.preset), strings.Join(presets, ", "))
	}
	if found, err := os.Stat(path); err == nil && found.IsDir() {
		return nil, fail(BadOutput, path, "expected a video file to write, found a folder; give a file name inside it")
	}
	binary, err := findFFmpeg(o.ffmpeg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fail(BadOutput, path, "cannot be written (%v); choose another folder", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+suffix)
	if err != nil {
		return nil, fail(BadOutput, path, "cannot be written (%v); choose another folder", err)
	}
	file.Close()
	w := &videoWriter{path: path, temporary: file.Name(), kind: kind, provenance: o.provenance, width: o.width, height: o.height, complaint: &tail{}}
	w.command = exec.CommandContext(ctx, binary, w.arguments(o)...)
	w.command.Stderr = w.complaint
	if w.input, err = w.command.StdinPipe(); err == nil {
		widen(w.input)
		err = w.command.Start()
	}
	if err != nil {
		os.Remove(w.temporary)
		return nil, fail(MissingFile, binary, "cannot be run (%v); give another ffmpeg", err)
	}
	return w, nil
}

func (w *videoWriter) arguments(o videoOptions) []string {
	even := func(side int) int { return side + side%2 }
	crf, kind := o.crf, w.kind
	if crf < 0 {
		crf = kind.crf
	}
	arguments := []string{
		"-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-video_size", fmt.Sprintf("%dx%d", even(o.width), even(o.height)),
		"-framerate", o.rate.String(), "-i", "pipe:0",
	}
	if o.audio != "" {
		arguments = append(arguments, inputOptions(o.audio)...)
		arguments = append(arguments, "-map", "0:v", "-map", "1:a:0", "-af",
			"asetpts=N/SR/TB,apad=whole_dur="+strconv.FormatFloat(o.seconds, 'f', 6, 64), "-c:a", kind.audio, "-b:a", kind.audioRate)
	}
	arguments = append(arguments,
		"-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=area+accurate_rnd,format=yuv420p", "-c:v", kind.video, "-crf", strconv.Itoa(crf),
		"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
		"-threads:v", strconv.Itoa(max(1, runtime.NumCPU()/2)), "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
	if kind.video == "libx264" {
		arguments = append(arguments, "-preset", o.preset)
	} else {
		speed := 8 - slices.Index(presets, o.preset)
		deadline := "good"
		if speed > 5 {
			deadline = "realtime"
		}
		arguments = append(arguments, "-b:v", "0", "-row-mt", "1", "-deadline", deadline, "-cpu-used", strconv.Itoa(speed))
	}
	switch kind.format {
	case "mp4":
		arguments = append(arguments, "-movflags", "+faststart")
	case "mov":
		arguments = append(arguments, "-movflags", "+faststart")
		if o.provenance {
			arguments = append(arguments, "-metadata", "xmp="+xmp)
		}
	default:
		if o.provenance {
			arguments = append(arguments, "-metadata", matroskaTag+"="+sourceType)
		}
	}
	return append(arguments, "-f", kind.format, "file:"+w.temporary)
}

// write appends a frame; an odd side is made even by repeating the last column or row.
func (w *videoWriter) write(frame Frame) error {
	var err error
	if w.width%2 == 0 {
		_, err = w.input.Write(frame.Pixels)
	} else {
		for y := 0; y < w.height && err == nil; y++ {
			row := frame.Pixels[3*w.width*y:][:3*w.width]
			w.row = append(append(w.row[:0], row...), row[len(row)-3:]...)
			_, err = w.input.Write(w.row)
		}
	}
	if err == nil && w.height%2 == 1 {
		last := w.row
		if w.width%2 == 0 {
			last = frame.Pixels[len(frame.Pixels)-3*w.width:]
		}
		_, err = w.input.Write(last)
	}
	if err != nil {
		return w.failed(err)
	}
	return nil
}

func (w *videoWriter) finish() error {
	w.input.Close()
	if err := w.command.Wait(); err != nil {
		return w.failed(err)
	}
	if w.provenance && w.kind.format == "mp4" {
		if err := markMP4(w.temporary); err != nil {
			return w.failed(err)
		}
	}
	if err := os.Chmod(w.temporary, 0o644); err != nil {
		return w.failed(err)
	}
	if err := os.Rename(w.temporary, w.path); err != nil {
		return w.failed(err)
	}
	w.done = true
	return nil
}

func (w *videoWriter) discard() {
	if w.done {
		return
	}
	w.input.Close()
	if w.command.ProcessState == nil {
		w.command.Process.Kill()
		w.command.Wait()
	}
	os.Remove(w.temporary)
}

func (w *videoWriter) failed(err error) error {
	if w.command.ProcessState == nil {
		w.input.Close()
		w.command.Wait()
	}
	reason := w.complaint.text()
	if reason == "" {
		reason = err.Error()
	}
	return fail(BadOutput, w.path, "cannot be written (%s); free space, or see whether ffmpeg has %s and %s", shown(reason), w.kind.video, w.kind.audio)
}
