// Command framegen-go plays avatar packages without Python: see docs/hosts.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"framegen/go/avatar"
)

const (
	badInput = 2 // exit status
	help     = `framegen-go plays avatar packages: a person says any speech.

  framegen-go generate --avatar may.avatar --audio speech.wav -o result.mp4
  framegen-go generate --model unet_328.onnx --audio aud.bin --template dataset/May --output frames --mode ave
  framegen-go info may.avatar
  framegen-go verify may.avatar
  framegen-go benchmark --avatar may.avatar --audio speech.wav

Each command has --help. Without --avatar, FRAMEGEN_AVATAR or the built-in presenter is taken.
`
	avatarVariable = "FRAMEGEN_AVATAR"
)

var commands = map[string]func(context.Context, []string) error{
	"generate": generate, "info": info, "verify": verify, "benchmark": benchmark,
}

func main() {
	if len(os.Args) < 2 || os.Args[1] == "--help" || os.Args[1] == "-h" || os.Args[1] == "help" {
		fmt.Print(help)
		return
	}
	run, known := commands[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "error: %q is no command; see framegen-go --help\n", os.Args[1])
		os.Exit(badInput)
	}
	debug.SetGCPercent(25) // Go's own heap is a few frames, so collecting often costs nothing
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[2:])
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "error: interrupted; nothing was written")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(badInput)
	}
}

// playing are the options of how an avatar is played.
type playing struct {
	avatar, audio, features, blend, runtime, ffmpeg string
	threads, cache, start                           int
	noGate                                          bool
}

func (p *playing) declare(flags *flag.FlagSet) {
	flags.StringVar(&p.avatar, "avatar", "", "the avatar, a folder or an .avatar file")
	flags.StringVar(&p.audio, "audio", "", "what is said: an audio file, or a video with audio")
	flags.StringVar(&p.audio, "a", "", "the same as --audio")
	flags.StringVar(&p.features, "f", "", "the same as --features")
	flags.StringVar(&p.features, "features", "", "audio features (.npy, .bin); computed from the audio when not given")
	flags.StringVar(&p.blend, "blend", "", "how faces are written back: reference or feathered (default: the package's)")
	flags.BoolVar(&p.noGate, "no-gate", false, "let the mouth move where nobody speaks")
	flags.IntVar(&p.threads, "threads", 0, "frames made at once (default: as many as there are cores)")
	flags.IntVar(&p.cache, "cache-size", -1, "megabytes that remembering faces may take (default 48)")
	flags.IntVar(&p.start, "start-frame", 0, "enter the recording so many frames later")
	flags.StringVar(&p.runtime, "onnxruntime", "", "ONNX Runtime's library")
	flags.StringVar(&p.ffmpeg, "ffmpeg", "", "the ffmpeg binary (default: the one on the PATH)")
}

func (p *playing) options() []avatar.Option {
	options := []avatar.Option{avatar.WithBlend(p.blend), avatar.WithRuntime(p.runtime), avatar.WithFFmpeg(p.ffmpeg)}
	if p.noGate {
		options = append(options, avatar.WithoutGate())
	}
	if p.threads != 0 {
		options = append(options, avatar.WithThreads(p.threads))
	}
	if p.cache >= 0 {
		options = append(options, avatar.WithCacheSize(p.cache<<20))
	}
	return options
}

// open opens the avatar, and gives what closes it.
func (p *playing) open() (*avatar.Avatar, func(), error) {
	path, err := chooseAvatar(p.avatar)
	if err != nil {
		return nil, nil, err
	}
	opened, err := avatar.Open(path, p.options()...)
	if err != nil {
		return nil, nil, err
	}
	return opened, opened.Close, nil
}

// chooseAvatar is the avatar that was given, the environment's, or the presenter where the program lies in the project.
func chooseAvatar(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if path := os.Getenv(avatarVariable); path != "" {
		return path, nil
	}
	if program, err := os.Executable(); err == nil {
		if program, err = filepath.EvalSymlinks(program); err == nil {
			presenter := filepath.Join(filepath.Dir(program), "..", "src", "frame_generation_pipeline", "weights", "presenter")
			if _, err := os.Stat(presenter); err == nil {
				return presenter, nil
			}
		}
	}
	return "", errors.New("no avatar; give one with --avatar, or set " + avatarVariable)
}

func newFlags(name, example string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(os.Stdout)
	flags.Usage = func() {
		fmt.Printf("%s\n\n", example)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads options, and as many arguments beside them as there are names.
func parse(flags *flag.FlagSet, arguments []string, names ...string) ([]string, error) {
	var found []string
	for {
		flags.SetOutput(discard{})
		err := flags.Parse(arguments)
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stdout)
			flags.Usage()
		}
		if err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		found, arguments = append(found, flags.Arg(0)), flags.Args()[1:]
	}
	if len(found) > len(names) {
		return nil, fmt.Errorf("%q is not expected; see framegen-go %s --help", found[len(names)], flags.Name())
	}
	return found, nil
}

type discard struct{}

func (discard) Write(data []byte) (int, error) { return len(data), nil }

func generate(ctx context.Context, arguments []string) error {
	flags := newFlags("generate", "framegen-go generate --avatar may.avatar --audio speech.wav -o result.mp4\n"+
		"framegen-go generate --model unet_328.onnx --audio aud.bin --template dataset/May --output frames")
	var p playing
	p.declare(flags)
	var m modelling
	m.declare(flags)
	output := avatar.Output{}
	flags.StringVar(&output.Video, "o", "", "the video to write (.mp4, .m4v, .mov, .mkv, .webm)")
	flags.StringVar(&output.Video, "output", "", "the same as -o")
	flags.StringVar(&output.FramesDir, "frames-dir", "", "a folder to write the frames into as images")
	flags.StringVar(&output.FrameFormat, "frame-format", "", "png or jpg (default: png; with --model jpg)")
	flags.Float64Var(&output.FPS, "fps", 0, "of the video; frames are repeated or left out (default: the avatar's)")
	flags.IntVar(&output.CRF, "crf", -1, "quality, lower is better (default 20, webm 32)")
	flags.StringVar(&output.Preset, "preset", "superfast", "x264's preset")
	flags.BoolVar(&output.NoProvenance, "no-provenance", false, "do not say in the files that they are generated")
	quiet := flags.Bool("quiet", false, "no progress")
	if _, err := parse(flags, arguments); err != nil {
		return err
	}
	audio, start := avatar.Audio{Path: p.audio, Features: p.features}, p.start
	open := p.open
	modelled, err := m.chosen(flags, p.audio)
	if err != nil {
		return err
	}
	if modelled {
		audio, start = avatar.Audio{Path: m.audioFile, Features: p.audio}, m.start
		m.outputs(&output)
		open = func() (*avatar.Avatar, func(), error) { return m.open(p.options()) }
	}
	a, closing, err := open()
	if err != nil {
		return err
	}
	defer closing()
	if !*quiet && isTerminal(os.Stderr) {
		output.Progress = func(done, total int) { fmt.Fprintf(os.Stderr, "\r%d of %d frames", done, total) }
		defer fmt.Fprintln(os.Stderr)
	}
	written, err := a.Generate(ctx, audio, output, avatar.StartFrame(start))
	if err != nil {
		return err
	}
	fmt.Printf("%s (%d frames)\n", strings.Trim(output.Video+" "+output.FramesDir, " "), written)
	return nil
}

func isTerminal(file *os.File) bool {
	found, err := file.Stat()
	return err == nil && found.Mode()&os.ModeCharDevice != 0
}

func info(_ context.Context, arguments []string) error {
	found, err := parse(newFlags("info", "framegen-go info may.avatar"), arguments, "avatar")
	if err != nil {
		return err
	}
	path, err := chooseAvatar(strings.Join(found, ""))
	if err != nil {
		return err
	}
	described, err := avatar.Describe(path)
	for _, pair := range described {
		fmt.Printf("%-16s %s\n", pair[0], strings.ReplaceAll(pair[1], "\n", "\n"+strings.Repeat(" ", 17)))
	}
	return err
}

func verify(_ context.Context, arguments []string) error {
	flags := newFlags("verify", "framegen-go verify may.avatar")
	runtime := flags.String("onnxruntime", "", "ONNX Runtime's library")
	found, err := parse(flags, arguments, "avatar")
	if err != nil {
		return err
	}
	path, err := chooseAvatar(strings.Join(found, ""))
	if err != nil {
		return err
	}
	held, err := avatar.Verify(path, nil, avatar.WithRuntime(*runtime))
	for _, line := range held {
		fmt.Println(line)
	}
	return err
}
